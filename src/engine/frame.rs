//! What one picture is made of, and how it is told to the shaders.

use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec3};

use super::palette::light;
use super::{Field, InputPicture};
use crate::model::layout::{CELL_HEIGHT, PLATE_BORDER, PLATE_THICKNESS};
use crate::model::{Edge, Normalisation, Range, Slab, ViewState};
use crate::stats::Spread;

/// Blocks up to this many pixels wide are shown as their mean.
const DETAIL: f32 = 1.0;
/// Greatest share of ground colour that haze mixes in.
const HAZE: f32 = 0.45;
/// Shade of the faces towards left, up, back and right, down, front; the front is the colour map's
/// own colour. Light falls from the upper left.
const SHADE_LOW: [f32; 3] = [0.70, 0.84, 0.55];
const SHADE_HIGH: [f32; 3] = [0.52, 0.40, 1.0];

/// Everything that one picture shows. Between `from` and `to` it is `t` of the way; both must lie
/// on the same grids, or `t` be 0.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pub view: &'a ViewState,
    pub from: &'a Field,
    pub to: &'a Field,
    /// In [0, 1).
    pub t: f32,
    /// Per layer: the values at the ends of the colour map, see [`ranges`]. Those of the fields are
    /// divided by [`Norm::scales`](crate::model::Norm::scales) before they are compared with them.
    pub ranges: &'a [(f32, f32)],
    pub picture: Option<&'a InputPicture>,
    pub network: Network<'a>,
    /// Physical pixels.
    pub size: [u32; 2],
    /// Shows every cell, however small: slow and noisy, the truth to test against.
    pub every_cell: bool,
}

/// What is known of a network beside its values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network<'a> {
    /// Where data flows.
    pub edges: &'a [Edge],
    /// By plate: it is not drawn. Plates beyond its end are.
    pub hidden: &'a [bool],
    /// The plate that is looked at, whose edges stand out.
    pub lit: Option<usize>,
}

impl Network<'_> {
    /// Whether a plate is drawn at all.
    pub fn shows(&self, slab: usize) -> bool {
        !self.hidden.get(slab).copied().unwrap_or(false)
    }
}

/// Per layer, what its values are divided by before they are looked at. It flows with the values.
pub fn scales(view: &ViewState, from: &Field, to: &Field, t: f32) -> Vec<f32> {
    let mut scales = scales_at(view, from.spreads());
    if t > 0.0 {
        for (scale, later) in scales.iter_mut().zip(scales_at(view, to.spreads())) {
            *scale += t * (later - *scale);
        }
    }
    scales
}

/// The same at one moment.
fn scales_at(view: &ViewState, spreads: &[Option<Spread>]) -> Vec<f32> {
    let greatest = |it: &Option<Spread>| it.as_ref().map(|it| it.absolute_quantile(1.0));
    view.query.norm.scales(&spreads.iter().map(greatest).collect::<Vec<_>>())
}

/// Whether the middle of the colour map is zero.
pub fn is_diverging(view: &ViewState) -> bool {
    view.query.is_signed() || view.colours().is_diverging()
}

/// Per layer, the values at the ends of the colour map, normalised as the view says.
pub fn ranges(
    view: &ViewState,
    normalisation: Normalisation,
    from: &Field,
    to: &Field,
    t: f32,
) -> Vec<(f32, f32)> {
    ranges_of(view, normalisation, &extremes(view, normalisation, from, to, t))
}

/// Per layer, the least and the greatest value `t` of the way from one field to the other, normalised as
/// the view says; `None` where there is no value. Where [`ViewState::clip`] leaves some out, the ends
/// of the others; where the middle of the colour map is zero, as far from it on both sides.
pub fn extremes(
    view: &ViewState,
    normalisation: Normalisation,
    from: &Field,
    to: &Field,
    t: f32,
) -> Vec<Option<(f32, f32)>> {
    // Interpolated like the values, so that the range flows with them.
    let layer = |(a, b): (Ends, Ends)| match (a, b) {
        (Some(a), Some(b)) => Some((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)),
        (a, b) => a.or(b),
    };
    let normal = |((low, high), scale): ((f32, f32), f32)| (low / scale, high / scale);
    let raw = |field: &Field| ends(view, normalisation, field.spreads());
    let layers = raw(from).into_iter().zip(raw(to)).map(layer).zip(scales(view, from, to, t));
    layers.map(|(ends, scale)| ends.map(|ends| normal((ends, scale)))).collect()
}

/// Least and greatest value of a layer; `None` where it has none.
type Ends = Option<(f32, f32)>;

/// Per layer, the ends of what [`extremes`] says of each of some moments, given by their spreads.
pub fn extremes_over<'a>(
    view: &ViewState,
    normalisation: Normalisation,
    moments: impl IntoIterator<Item = &'a [Option<Spread>]>,
) -> Vec<Option<(f32, f32)>> {
    let join = |a: Option<(f32, f32)>, b: Option<(f32, f32)>| match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    };
    let mut over: Vec<Option<(f32, f32)>> = Vec::new();
    for spreads in moments {
        let ends = ends(view, normalisation, spreads).into_iter().zip(scales_at(view, spreads));
        let ends = ends.map(|(ends, scale)| ends.map(|(low, high)| (low / scale, high / scale)));
        over.resize(over.len().max(spreads.len()), None);
        over.iter_mut().zip(ends).for_each(|(over, ends)| *over = join(*over, ends));
    }
    over
}

/// Per layer, the values, as computed, between which all but those lie that are clipped.
fn ends(
    view: &ViewState,
    normalisation: Normalisation,
    spreads: &[Option<Spread>],
) -> Vec<Option<(f32, f32)>> {
    let clip = if view.clip.is_finite() { view.clip.clamp(0.0, 10.0) / 100.0 } else { 0.0 };
    let diverging = is_diverging(view);
    if clip > 0.0 && view.range_of(normalisation) == Range::Network {
        // Those of the network's values, so that they are the same in every layer.
        let scales = scales_at(view, spreads);
        let layers = spreads.iter().zip(&scales).filter_map(|(it, scale)| Some((it.as_ref()?, *scale)));
        let joint = |share, absolute| Spread::joint(layers.clone(), share, absolute);
        let ends = if diverging {
            joint(1.0 - clip, true).map(|reach| (-reach, reach))
        } else {
            joint(clip, false).zip(joint(1.0 - clip, false))
        };
        let back = |scale: f32| ends.map(|(low, high)| (low * scale, high * scale));
        return spreads.iter().zip(&scales).map(|(it, scale)| it.as_ref().and(back(*scale))).collect();
    }
    let of = |spread: &Spread| {
        if clip > 0.0 && diverging {
            let reach = spread.absolute_quantile(1.0 - clip);
            (-reach, reach)
        } else {
            (spread.quantile(clip), spread.quantile(1.0 - clip))
        }
    };
    spreads.iter().map(|spread| spread.as_ref().map(of)).collect()
}

/// Per layer, the values at the ends of the colour map where these are the [`extremes`] of the layers.
pub fn ranges_of(
    view: &ViewState,
    normalisation: Normalisation,
    extremes: &[Option<(f32, f32)>],
) -> Vec<(f32, f32)> {
    let whole = |(low, high): (f32, f32)| {
        if is_diverging(view) {
            let reach = low.abs().max(high.abs());
            (-reach, reach)
        } else {
            (low.min(0.0), high)
        }
    };
    let usable = |(low, high): (f32, f32)| if low < high { (low, high) } else { (low, low + 1.0) };
    let own = extremes.iter().map(|layer| layer.map(whole));
    match view.range_of(normalisation) {
        Range::Fixed { low, high } => own.map(|_| usable((low, high))).collect(),
        Range::Layer => own.map(|layer| usable(layer.unwrap_or((0.0, 1.0)))).collect(),
        Range::Network => {
            let range = own.clone().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            own.map(|_| usable(range.unwrap_or((0.0, 1.0)))).collect()
        }
        Range::Auto => own.map(|_| (0.0, 1.0)).collect(),
    }
}

/// `FrameData` in shaders/shared/frame.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct FrameData {
    pub clip_from_world: Mat4,
    pub eye: Vec3,
    pub pixel: f32,
    pub ground_colour: [f32; 3],
    pub haze: f32,
    pub slab_colour: [f32; 3],
    pub haze_near: f32,
    pub no_value_colour: [f32; 3],
    pub haze_far: f32,
    pub shade_low: [f32; 3],
    pub height: f32,
    pub shade_high: [f32; 3],
    pub t: f32,
    pub scale_from: f32,
    pub scale_to: f32,
    pub diverging: u32,
    pub detail: f32,
    pub forward: Vec3,
    pub slabs: u32,
    pub across: Vec3,
    pub width: u32,
    pub down: Vec3,
    pub height_px: u32,
    pub pages: u32,
    pub page_size: u32,
    // A uniform's size is a multiple of 16 bytes.
    pub padding_a: u32,
    pub padding_b: u32,
}

/// `Slab` in shaders/shared/frame.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct SlabData {
    pub corner: Vec3,
    pub pitch: f32,
    pub grid: [u32; 2],
    pub base: [u32; 2],
    pub page: u32,
    pub top: u32,
    pub low: f32,
    pub inverse_range: f32,
    pub layer: u32,
    pub border: f32,
    pub thickness: f32,
    pub presence: f32,
}

/// How large the cells of a plate are in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nearness {
    /// All are larger than pixels.
    Near,
    /// All are smaller than pixels.
    Far,
    Both,
}

/// Pixels, in cells, at which single cells begin and end to fade into their field, as in
/// shaders/shared/trace.wgsl; and the least slope that blocks are chosen for.
pub(super) const FADE: (f32, f32) = (0.4, 0.9);
pub(super) const LEAST_SLOPE: f32 = 0.12;

impl Frame<'_> {
    /// Whether the picture lies between two moments.
    pub(super) fn is_moving(&self) -> bool {
        self.t > 0.0 && self.from.id() != self.to.id()
    }

    /// How large the cells of the plate before the eye can be, safely estimated.
    fn nearness(&self, slab: &Slab) -> Nearness {
        if self.every_cell {
            return Nearness::Near;
        }
        let (low, high) = slab.bounds();
        let high = high + Vec3::Z * (slab.max_height() * (self.view.height - 1.0)).max(0.0);
        let eye = self.view.camera.position;
        let nearest = eye.distance(eye.clamp(low, high));
        let furthest = eye.distance(Vec3::select((eye - (low + high) / 2.0).cmpgt(Vec3::ZERO), low, high));
        // The flattest ray that can reach the plate: the slope falls with distance.
        let out = if eye.z > high.z { eye.z - high.z } else { (low.z - eye.z).max(0.0) };
        let slope = (out / furthest.max(f32::MIN_POSITIVE)).clamp(LEAST_SLOPE, 1.0);
        let tan = (self.view.camera.fov_y / 2.0).tan();
        let pixels = |distance: f32| 2.0 * tan / self.size[1].max(1) as f32 * distance / slab.pitch * DETAIL;
        if pixels(furthest) / slope.sqrt() < FADE.0 {
            Nearness::Near
        } else if pixels(nearest) > FADE.1 {
            Nearness::Far
        } else {
            Nearness::Both
        }
    }

    pub(super) fn aspect(&self) -> f32 {
        self.size[0] as f32 / self.size[1].max(1) as f32
    }

    /// `slabs` is how many plates are drawn.
    pub(super) fn data(&self, slabs: usize) -> FrameData {
        let camera = &self.view.camera;
        let tan = (camera.fov_y / 2.0).tan();
        let [width, height] = self.size.map(|edge| edge.max(1));
        let pixel = 2.0 * tan / height as f32;
        let theme = self.view.theme;
        let (near, far) = self.depth_range();
        // The ray through the middle of the top-left pixel, and the steps from there.
        let across = camera.right() * pixel;
        let down = -camera.up() * pixel;
        let forward =
            camera.forward() - across * (width as f32 / 2.0 - 0.5) - down * (height as f32 / 2.0 - 0.5);
        FrameData {
            clip_from_world: camera.clip_from_world(self.aspect()),
            eye: camera.position,
            pixel,
            ground_colour: light(theme.ground()),
            haze: if self.view.haze { HAZE } else { 0.0 },
            slab_colour: light(theme.plate()),
            haze_near: near,
            no_value_colour: light(theme.no_value()),
            haze_far: far,
            shade_low: SHADE_LOW,
            height: CELL_HEIGHT * self.view.height.clamp(0.05, 10.0),
            shade_high: SHADE_HIGH,
            t: if self.is_moving() { self.t } else { 0.0 },
            scale_from: self.from.scale(),
            scale_to: self.to.scale(),
            diverging: u32::from(is_diverging(self.view)),
            detail: if self.every_cell { 0.0 } else { DETAIL },
            forward,
            slabs: slabs as u32,
            across,
            width,
            down,
            height_px: height,
            pages: self.from.atlas().pages,
            page_size: self.from.atlas().page_size,
            padding_a: 0,
            padding_b: 0,
        }
    }

    /// Distances at which haze begins and is full: what is looked at is clear, what lies behind it
    /// fades by how far behind it lies in the scene.
    fn depth_range(&self) -> (f32, f32) {
        let (low, high) = self.from.layout().bounds();
        let size = (high - low).length();
        let focus = self.view.camera.focus;
        (focus + 0.05 * size, focus + 1.2 * size)
    }

    /// The plates back to front. Plates stand at rising distance along z and never overlap there,
    /// so that this order is exact from everywhere.
    pub(super) fn slabs(&self) -> (Vec<SlabData>, Vec<Nearness>) {
        let diverging = is_diverging(self.view);
        let layout = self.from.layout();
        let scales = scales(self.view, self.from, self.to, self.t);
        let camera = &self.view.camera;
        let eye = camera.position.z;
        let mut order: Vec<usize> = (0..layout.slabs.len())
            .filter(|&i| self.network.shows(i) && camera.presence(&layout.slabs[i]) > 0.0)
            .collect();
        order.sort_by(|&a, &b| {
            let distance = |i: usize| (layout.slabs[i].centre.z - eye).abs();
            distance(b).total_cmp(&distance(a))
        });
        order
            .into_iter()
            .map(|index| {
                let slab = &layout.slabs[index];
                let place = self.from.atlas().places[index];
                let (low, high) = self.ranges.get(index).copied().unwrap_or((0.0, 1.0));
                let scale = scales.get(index).copied().unwrap_or(1.0);
                let (low, high) = (low * scale, high * scale);
                let (low, width) =
                    if diverging { (0.0, low.abs().max(high.abs())) } else { (low, high - low) };
                let data = SlabData {
                    corner: slab.corner(),
                    pitch: slab.pitch,
                    grid: [slab.grid.columns, slab.grid.rows],
                    base: [place.x, place.y],
                    page: place.page,
                    top: place.top,
                    low,
                    inverse_range: if width.is_normal() { 1.0 / width } else { 1.0 },
                    layer: slab.layer as u32,
                    border: PLATE_BORDER,
                    thickness: PLATE_THICKNESS,
                    presence: camera.presence(slab),
                };
                (data, self.nearness(slab))
            })
            .unzip()
    }
}
