//! The inputs' pictures, as far as they have been handed over.

use std::collections::HashMap;

use egui::{ColorImage, Context, TextureHandle, TextureOptions};

use crate::model::Picture;

/// Pictures kept at a time.
const KEPT: usize = 64;

/// Pictures by input; `None` where there is none or it cannot be read.
#[derive(Default)]
pub struct Pictures {
    held: HashMap<usize, Option<TextureHandle>>,
    order: Vec<usize>,
}

impl Pictures {
    /// Takes what was read for an input.
    pub fn insert(&mut self, ctx: &Context, input: usize, picture: Option<&Picture>) {
        if self.order.len() >= KEPT {
            self.held.remove(&self.order.remove(0));
        }
        let side = ctx.input(|input| input.max_texture_side) as u32;
        let texture = picture
            .filter(|picture| picture.width.max(picture.height) <= side)
            .filter(|picture| {
                picture.rgba.len() as u64 == 4 * u64::from(picture.width) * u64::from(picture.height)
            })
            .map(|picture| {
                let size = [picture.width as usize, picture.height as usize];
                let image = ColorImage::from_rgba_unmultiplied(size, &picture.rgba);
                // Small pictures are data: their pixels stay sharp.
                ctx.load_texture(format!("input {input}"), image, TextureOptions::NEAREST)
            });
        self.held.insert(input, texture);
        self.order.retain(|other| *other != input);
        self.order.push(input);
    }

    /// Whether it is known what picture `input` has.
    pub fn knows(&self, input: usize) -> bool {
        self.held.contains_key(&input)
    }

    /// The picture of `input`, if it has one and it has been handed over.
    pub fn get(&self, input: usize) -> Option<&TextureHandle> {
        self.held.get(&input)?.as_ref()
    }
}
