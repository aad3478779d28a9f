//! The contents of one picture, and the uniforms and slabs that the shaders read from them.

use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec3};

use super::field::Field;
use super::palette::light;
use super::picture::InputPicture;
use crate::model::layout::{SLAB_BORDER, SLAB_THICKNESS};
use crate::model::pick::{max_cell_height, rim_height};
use crate::model::{Edge, Layout, Slab, ValueRange, ViewState};

/// Blocks up to this many pixels wide are shown as their mean.
const DETAIL: f32 = 1.0;
/// Greatest share of ground colour that haze mixes in.
const HAZE: f32 = 0.45;
/// Shade of the faces towards left, up, back and right, down, front; the front is the colour map's
/// own colour. Light falls from the upper left.
const SHADE_LOW: [f32; 3] = [0.70, 0.84, 0.55];
const SHADE_HIGH: [f32; 3] = [0.52, 0.40, 1.0];

/// The inputs of one picture: values, view, network and size. The values are interpolated from those of `from` to
/// those of `to` by `t`; both fields have the same grids unless `t` is 0.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// Camera, theme, colour map, height and haze.
    pub view: &'a ViewState,
    /// The values at the earlier epoch.
    pub from: &'a Field,
    /// The values at the later epoch; the same as `from` exactly at an epoch.
    pub to: &'a Field,
    /// Position between the two epochs, in [0, 1).
    pub t: f32,
    /// Per layer, the range of the colour map, in normalised values.
    pub ranges: &'a [ValueRange],
    /// Per layer, the divisor that normalises the values of the fields.
    pub divisors: &'a [f32],
    /// The picture of the selected input.
    pub picture: Option<&'a InputPicture>,
    /// Edges, layout and highlighted slabs.
    pub network: DrawnNetwork<'a>,
    /// Width and height in physical pixels.
    pub size: [u32; 2],
    /// Draws every cell, however small, instead of means of blocks: slow and aliased, the reference of tests.
    pub every_cell: bool,
}

/// The parts of a network that a picture shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct DrawnNetwork<'a> {
    /// The edges drawn as ribbons.
    pub edges: &'a [Edge],
    /// The layout of the slabs of the fields; `None` for [`Field::layout`].
    pub layout: Option<&'a Layout>,
    /// Index of the slab whose edges are highlighted.
    pub highlighted: Option<usize>,
}

/// `FrameData` in shaders/shared/frame.wgsl, which documents the members.
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
    pub border: f32,
    pub thickness: f32,
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
    pub rim: f32,
    // A uniform's size is a multiple of 16 bytes.
    pub padding: u32,
}

/// `Slab` in shaders/shared/frame.wgsl, which documents the members.
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
    pub scale_from: f32,
    pub scale_to: f32,
    pub opacity: f32,
}

/// The size of a slab's cells on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nearness {
    /// All cells are larger than a pixel.
    Near,
    /// All cells are smaller than a pixel.
    Far,
    /// Some cells may be larger than a pixel and others smaller.
    Both,
}

/// Widths of a pixel, in cells, at which the blend from single cells to means of blocks begins and ends, as in
/// shaders/shared/trace.wgsl.
pub(super) const FADE: (f32, f32) = (0.4, 0.9);
/// Least slope of a ray against the slab for which the level of its blocks is chosen, as in
/// shaders/shared/trace.wgsl.
pub(super) const LEAST_SLOPE: f32 = 0.12;

impl Frame<'_> {
    /// Returns the layout of the slabs.
    pub(super) fn layout(&self) -> &Layout {
        self.network.layout.unwrap_or(self.from.layout())
    }

    /// Returns `true` if the values are interpolated between two epochs.
    pub(super) fn is_moving(&self) -> bool {
        self.t > 0.0 && self.from.id() != self.to.id()
    }

    /// Returns a conservative estimate of the size of a slab's cells on the screen.
    fn nearness(&self, slab: &Slab) -> Nearness {
        if self.every_cell {
            return Nearness::Near;
        }
        let (low, high) = slab.bounds();
        let high = high + Vec3::Z * (slab.max_height() * (self.view.height - 1.0)).max(0.0);
        let eye = self.view.camera.position;
        let nearest = eye.distance(eye.clamp(low, high));
        let furthest = eye.distance(Vec3::select((eye - (low + high) / 2.0).cmpgt(Vec3::ZERO), low, high));
        // The flattest ray that can reach the slab: the slope falls with distance.
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

    /// Returns width over height.
    pub(super) fn aspect(&self) -> f32 {
        self.size[0] as f32 / self.size[1].max(1) as f32
    }

    /// Returns the uniforms. `slabs` is the number of drawn slabs.
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
            slab_colour: light(theme.slab()),
            haze_near: near,
            no_value_colour: light(theme.no_value()),
            haze_far: far,
            shade_low: SHADE_LOW,
            height: max_cell_height(self.view.is_diverging(), self.view.height),
            shade_high: SHADE_HIGH,
            t: if self.is_moving() { self.t } else { 0.0 },
            border: SLAB_BORDER,
            thickness: SLAB_THICKNESS,
            diverging: u32::from(self.view.is_diverging()),
            detail: if self.every_cell { 0.0 } else { DETAIL },
            forward,
            slabs: slabs as u32,
            across,
            width,
            down,
            height_px: height,
            pages: self.from.atlas().pages,
            page_size: self.from.atlas().page_size,
            rim: rim_height(self.view.is_diverging(), self.view.height),
            padding: 0,
        }
    }

    /// Returns the distances from the eye at which haze begins and at which it is full: from shortly behind the
    /// focus of the camera on, in proportion to the size of the scene.
    fn depth_range(&self) -> (f32, f32) {
        let (low, high) = self.layout().bounds();
        let size = (high - low).length();
        let focus = self.view.camera.focus;
        (focus + 0.05 * size, focus + 1.2 * size)
    }

    /// Returns the scales of a layer at both epochs.
    fn scales(&self, layer: usize) -> [f32; 2] {
        let from = self.from.scale(layer);
        [from, if self.is_moving() { self.to.scale(layer) } else { from }]
    }

    /// Returns a slab as the shaders read it, and its nearness.
    pub(super) fn slab(&self, index: usize) -> (SlabData, Nearness) {
        let slab = &self.layout().slabs[index];
        let slot = self.from.atlas().slots[index];
        let divisor = self.divisors.get(index).copied().unwrap_or(1.0);
        let range = self.ranges.get(index).copied().unwrap_or(ValueRange::UNIT);
        let units = SlabUnits::new(self.scales(index), range, divisor, self.view.is_diverging());
        let data = SlabData {
            corner: slab.corner(),
            pitch: slab.pitch,
            grid: [slab.grid.columns, slab.grid.rows],
            base: [slot.x, slot.y],
            page: slot.page,
            top: slot.top,
            low: units.low,
            inverse_range: units.inverse_range,
            layer: slab.layer as u32,
            scale_from: units.scale_from,
            scale_to: units.scale_to,
            opacity: self.view.camera.presence(slab),
        };
        (data, self.nearness(slab))
    }
}

/// The values of a slab as the shaders compute with them: in units of a power of two of which neither the stored
/// values nor the ends of the colour map are large multiples, so that nothing overflows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SlabUnits {
    low: f32,
    inverse_range: f32,
    scale_from: f32,
    scale_to: f32,
}

impl SlabUnits {
    /// The greatest magnitude of the ends of the colour map.
    const LIMIT: f64 = 1e30;

    /// Chooses the unit for values stored with `scales`, and a colour map over `range` times `divisor`;
    /// `diverging` maps are symmetric around 0.
    fn new(scales: [f32; 2], range: ValueRange, divisor: f32, diverging: bool) -> Self {
        let [from, to] = scales.map(f64::from);
        let (low, high) = (f64::from(range.low), f64::from(range.high));
        let (low, width) = if diverging { (0.0, low.abs().max(high.abs())) } else { (low, high - low) };
        let [low, width] = [low, width].map(|value| value * f64::from(divisor));
        // Stored values are below 2^14.
        let reach = low.abs().max(width.abs()) / f64::from(1 << 14);
        let unit = from.max(to).max(if reach > 0.0 { reach.log2().ceil().exp2() } else { 0.0 });
        let inverse = unit / width;
        Self {
            low: (low / unit) as f32,
            inverse_range: if inverse.is_finite() && inverse > 0.0 {
                inverse.min(Self::LIMIT) as f32
            } else {
                1.0
            },
            scale_from: (from / unit) as f32,
            scale_to: (to / unit) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_on_the_colour_map_are_right_for_values_and_ranges_of_any_size() {
        for value in [1e-38_f64, 1e-12, 0.3, 5.0, 1e9, 3.3e38] {
            for range in [[0.0, 1.0], [-1.0, 1.0], [0.97, 1.0], [0.0, 1e-6]] {
                let scale = (value.log2().floor() - 13.0).clamp(-126.0, 114.0).exp2();
                let [low, high] = range.map(|end| end as f32);
                let units =
                    SlabUnits::new([scale as f32, 1.0], ValueRange::new(low, high), value as f32, false);
                let stored = (value / scale) as f32;
                let position = (stored * units.scale_from - units.low) * units.inverse_range;
                let expected = (1.0 - range[0]) / (range[1] - range[0]);
                let error = (f64::from(position) / expected - 1.0).abs();
                assert!(error < 1e-4 || value < 1e-30, "{value} in {range:?}: {position}, {expected}");
                assert!(position.is_finite());
            }
        }
        let constant = SlabUnits::new([1.0; 2], ValueRange::new(2.0, 2.0), 1.0, false);
        assert_eq!(constant.inverse_range, 1.0);
    }
}
