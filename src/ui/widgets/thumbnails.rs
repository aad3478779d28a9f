//! Textures of the inputs' pictures: small ones for lists, and whole ones for the last few inputs whose whole
//! picture was requested. Requests for missing pictures are collected for one frame.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use egui::{ColorImage, Context, TextureHandle, TextureOptions};

use crate::model::Picture;

/// Longest edge of a small picture, in pixels.
const SMALL_EDGE: usize = 64;
/// Maximum number of small pictures; 16 MiB at most.
const KEPT: usize = 1024;
/// Maximum number of whole pictures.
const KEPT_WHOLE: usize = 4;

/// Textures of the inputs' pictures, by input.
#[derive(Default)]
pub struct Thumbnails {
    small: HashMap<usize, Thumbnail>,
    /// The newest last.
    whole: Vec<(usize, TextureHandle)>,
    /// Counter of uses, for finding the least recently used picture.
    now: Cell<u64>,
    wanted: RefCell<WantedPictures>,
    /// The inputs last requested whole, the newest last.
    shown_whole: RefCell<Vec<usize>>,
}

/// The inputs requested since the last call of [`Thumbnails::take_wanted`].
#[derive(Default)]
struct WantedPictures {
    /// The newest last.
    whole: Vec<usize>,
    small: Vec<usize>,
}

struct Thumbnail {
    /// `None` if there is no picture or it cannot be read.
    texture: Option<TextureHandle>,
    /// The texture is the whole picture.
    is_whole: bool,
    used: Cell<u64>,
}

impl Thumbnails {
    /// Stores the picture that was read for an input; also the whole of it if that was requested.
    pub fn insert(&mut self, ctx: &Context, input: usize, picture: Option<&Picture>) {
        let side = ctx.input(|input| input.max_texture_side) as u32;
        let picture = picture
            .filter(|picture| picture.width > 0 && picture.height > 0)
            .filter(|picture| picture.width.max(picture.height) <= side)
            .filter(|picture| {
                picture.rgba.len() as u64 == 4 * u64::from(picture.width) * u64::from(picture.height)
            });
        if self.small.len() >= KEPT
            && let Some(oldest) =
                self.small.iter().min_by_key(|(_, held)| held.used.get()).map(|(input, _)| *input)
        {
            self.small.remove(&oldest);
        }
        let image = picture.map(|picture| {
            let size = [picture.width as usize, picture.height as usize];
            ColorImage::from_rgba_unmultiplied(size, &picture.rgba)
        });
        let is_whole = image.as_ref().is_none_or(|image| image.width().max(image.height()) <= SMALL_EDGE);
        // Small pictures are data: their pixels stay sharp.
        let load = |image, options| ctx.load_texture(format!("input {input}"), image, options);
        self.whole.retain(|(other, _)| *other != input);
        let texture = image.map(|image| {
            if is_whole {
                return load(image, TextureOptions::NEAREST);
            }
            let small = load(scaled_down(&image), TextureOptions::LINEAR);
            if self.shown_whole.borrow().contains(&input) {
                if self.whole.len() >= KEPT_WHOLE {
                    drop(self.whole.remove(0));
                }
                self.whole.push((input, load(image, TextureOptions::NEAREST)));
            }
            small
        });
        self.small.insert(input, Thumbnail { texture, is_whole, used: Cell::new(self.tick()) });
    }

    /// Returns `true` if the picture of `input` has been read, at least in small.
    pub fn knows(&self, input: usize) -> bool {
        self.small.contains_key(&input)
    }

    /// Returns the picture of `input`, at most 64 pixels wide and high, if it has been read.
    pub fn get(&self, input: usize) -> Option<&TextureHandle> {
        let held = self.small.get(&input)?;
        held.used.set(self.tick());
        held.texture.as_ref()
    }

    /// Returns the whole picture of `input` or, until it is read, the small one.
    pub fn whole(&self, input: usize) -> Option<&TextureHandle> {
        let whole = self.whole.iter().find(|(other, _)| *other == input).map(|(_, texture)| texture);
        whole.or_else(|| self.get(input))
    }

    /// Requests the picture of `input` if it has not been read.
    pub fn request(&self, input: usize) {
        if !self.knows(input) {
            self.wanted.borrow_mut().small.push(input);
        }
    }

    /// Requests the whole picture of `input`.
    pub fn request_whole(&self, input: usize) {
        let mut shown_whole = self.shown_whole.borrow_mut();
        if shown_whole.last() != Some(&input) {
            shown_whole.retain(|other| *other != input);
            shown_whole.push(input);
            let surplus = shown_whole.len().saturating_sub(KEPT_WHOLE);
            shown_whole.drain(..surplus);
        }
        let held = self.whole.iter().any(|(other, _)| *other == input)
            || self.small.get(&input).is_some_and(|held| held.is_whole);
        if !held {
            self.wanted.borrow_mut().whole.push(input);
        }
    }

    /// Returns the inputs whose pictures were requested since the last call, each once: whole ones first,
    /// then small ones, the latest first. Call once per frame, so that requests of rows that are no longer
    /// visible are dropped.
    pub fn take_wanted(&self) -> Vec<usize> {
        let WantedPictures { whole, small } = self.wanted.take();
        let mut seen = HashSet::new();
        let latest = whole.into_iter().rev().chain(small.into_iter().rev());
        latest.filter(|input| seen.insert(*input)).collect()
    }

    fn tick(&self) -> u64 {
        self.now.set(self.now.get() + 1);
        self.now.get()
    }
}

/// Scales an image to at most [`SMALL_EDGE`] pixels, each the mean of the pixels that it covers, in
/// premultiplied, encoded values.
fn scaled_down(image: &ColorImage) -> ColorImage {
    let [width, height] = image.size;
    let longest = width.max(height).max(1);
    let edge = |length: usize| (length * SMALL_EDGE / longest).clamp(1, length.max(1));
    let size = [edge(width), edge(height)];
    let mut pixels = Vec::with_capacity(size[0] * size[1]);
    let span = |at: usize, from: usize, to: usize| (at * from / to, ((at + 1) * from).div_ceil(to));
    for y in 0..size[1] {
        let (top, bottom) = span(y, height, size[1]);
        for x in 0..size[0] {
            let (left, right) = span(x, width, size[0]);
            let mut sum = [0u32; 4];
            for row in top..bottom {
                for pixel in &image.pixels[row * width + left..row * width + right] {
                    let parts = pixel.to_array();
                    sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += u32::from(part));
                }
            }
            let count = ((bottom - top) * (right - left)).max(1) as u32;
            let [r, g, b, a] = sum.map(|sum| ((sum + count / 2) / count) as u8);
            pixels.push(egui::Color32::from_rgba_premultiplied(r, g, b, a));
        }
    }
    ColorImage::new(size, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Picture {
        let rgba = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y));
        Picture { width, height, rgba: rgba.collect() }
    }

    #[test]
    fn requests_are_returned_once_the_newest_first() {
        let ctx = Context::default();
        let mut pictures = Thumbnails::default();
        pictures.insert(&ctx, 3, None);
        for input in [1, 2, 3, 2, 4] {
            pictures.request(input);
        }
        pictures.request_whole(9);
        pictures.request_whole(2);
        assert_eq!(pictures.take_wanted(), [2, 9, 4, 1], "3 is known to have none");
        assert!(pictures.take_wanted().is_empty());
    }

    #[test]
    fn large_pictures_are_scaled_down_and_kept_whole_on_request() {
        let ctx = Context::default();
        let mut pictures = Thumbnails::default();
        let checks = picture(256, 128, |x, y| if (x + y) % 2 == 0 { [255; 4] } else { [0, 0, 0, 255] });
        pictures.insert(&ctx, 0, Some(&checks));
        assert_eq!(pictures.get(0).map(TextureHandle::size), Some([64, 32]));
        pictures.request_whole(0);
        assert_eq!(pictures.take_wanted(), [0], "it is known in small only");
        pictures.insert(&ctx, 0, Some(&checks));
        assert_eq!(pictures.whole(0).map(TextureHandle::size), Some([256, 128]));
        assert_eq!(pictures.get(0).map(TextureHandle::size), Some([64, 32]));
        pictures.request_whole(0);
        assert!(pictures.take_wanted().is_empty());

        let image = ColorImage::from_rgba_unmultiplied([256, 128], &checks.rgba);
        let small = scaled_down(&image);
        assert!(
            small.pixels.iter().all(|pixel| *pixel == egui::Color32::from_gray(128)),
            "{:?}",
            small.pixels[0]
        );
        let odd = picture(100, 7, |x, _| if x < 50 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
        let odd = scaled_down(&ColorImage::from_rgba_unmultiplied([100, 7], &odd.rgba));
        assert_eq!(odd.size, [64, 4]);
        assert_eq!((odd.pixels[31], odd.pixels[32]), (egui::Color32::RED, egui::Color32::BLUE));
    }

    #[test]
    fn the_least_recently_used_picture_is_dropped() {
        let ctx = Context::default();
        let mut pictures = Thumbnails::default();
        let dot = picture(1, 1, |_, _| [9; 4]);
        for input in 0..KEPT {
            pictures.insert(&ctx, input, Some(&dot));
        }
        assert!(pictures.get(0).is_some());
        pictures.insert(&ctx, KEPT, Some(&dot));
        assert!(pictures.knows(0) && pictures.knows(KEPT) && !pictures.knows(1));
    }
}
