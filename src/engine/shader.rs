//! Shader texts: each pass is its own file with what it shares put before it.

/// Joins shared parts and a pass' own file.
macro_rules! shader {
    ($($file:literal),+) => { concat!($(include_str!(concat!("../../shaders/", $file))),+) };
}

pub const SLABS: &str =
    shader!("shared/frame.wgsl", "shared/value.wgsl", "shared/trace.wgsl", "shared/box.wgsl", "slabs.wgsl");
pub const CELLS: &str = shader!("shared/frame.wgsl", "shared/value.wgsl", "shared/trace.wgsl", "cells.wgsl");
pub const COMPUTE: &str =
    shader!("shared/frame.wgsl", "shared/value.wgsl", "shared/trace.wgsl", "compute.wgsl");
pub const PICTURE: &str =
    shader!("shared/frame.wgsl", "shared/value.wgsl", "shared/trace.wgsl", "picture.wgsl");
pub const RIBBONS: &str =
    shader!("shared/frame.wgsl", "shared/value.wgsl", "shared/trace.wgsl", "ribbons.wgsl");

pub const BLIT: &str = shader!("blit.wgsl");

pub const AGGREGATE_F32: &str = shader!("shared/summary.wgsl", "shared/rows_f32.wgsl", "aggregate.wgsl");
pub const AGGREGATE_F16: &str = shader!("shared/summary.wgsl", "shared/rows_f16.wgsl", "aggregate.wgsl");
pub const AGGREGATE_BF16: &str = shader!("shared/summary.wgsl", "shared/rows_bf16.wgsl", "aggregate.wgsl");
pub const AGGREGATE_U8: &str = shader!("shared/summary.wgsl", "shared/rows_u8.wgsl", "aggregate.wgsl");
pub const PYRAMID: &str = shader!("pyramid.wgsl");
pub const DIFFERENCE: &str = shader!("shared/summary.wgsl", "difference.wgsl");

/// Builds a module with a label.
pub fn module(device: &wgpu::Device, label: &str, source: &str) -> wgpu::ShaderModule {
    device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    })
}

#[cfg(test)]
mod tests {
    use wgpu::naga;

    use super::*;
    use crate::engine::aggregate::{difference, pass};
    use crate::engine::frame::{FrameData, SlabData};
    use crate::engine::picture::PictureData;
    use crate::engine::pyramid::{self, device};
    use crate::engine::ribbons::Segment;
    use crate::model::{Diff, LayerCells};

    fn parsed(source: &str) -> naga::Module {
        let module =
            naga::front::wgsl::parse_str(source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
        module
    }

    /// (name, offset) of every member, and the size, as the shader has them.
    fn members(module: &naga::Module, name: &str) -> (Vec<(String, usize)>, usize) {
        let (_, ty) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name)).expect(name);
        let naga::TypeInner::Struct { members, span } = &ty.inner else { panic!("{name} is no struct") };
        let rows = members
            .iter()
            .map(|member| (member.name.clone().unwrap_or_default(), member.offset as usize))
            .collect();
        (rows, *span as usize)
    }

    #[test]
    fn every_shader_is_valid() {
        for source in [
            SLABS,
            CELLS,
            COMPUTE,
            PICTURE,
            RIBBONS,
            BLIT,
            AGGREGATE_F32,
            AGGREGATE_F16,
            AGGREGATE_BF16,
            AGGREGATE_U8,
            DIFFERENCE,
            PYRAMID,
        ] {
            parsed(source);
        }
    }

    macro_rules! same_layout {
        ($module:expr, $wgsl:literal, $rust:ty, [$($field:ident),+ $(,)?]) => {
            let (rows, size) = members(&$module, $wgsl);
            let ours = vec![$((stringify!($field).to_owned(), std::mem::offset_of!($rust, $field))),+];
            assert_eq!(rows, ours, $wgsl);
            assert_eq!(size, size_of::<$rust>(), $wgsl);
        };
    }

    #[test]
    fn structs_lie_the_same_on_both_sides() {
        let module = parsed(SLABS);
        same_layout!(
            module,
            "FrameData",
            FrameData,
            [
                clip_from_world,
                eye,
                pixel,
                ground,
                haze,
                plate,
                haze_near,
                no_value,
                haze_far,
                shade_low,
                height,
                shade_high,
                t,
                scale_from,
                scale_to,
                diverging,
                detail,
                forward,
                slabs,
                across,
                width,
                down,
                height_px,
                pages,
                page_size,
                padding_a,
                padding_b,
            ]
        );
        same_layout!(
            module,
            "Slab",
            SlabData,
            [corner, pitch, grid, base, page, top, low, inverse_range, layer, border, thickness, presence,]
        );
        let module = parsed(PICTURE);
        same_layout!(
            module,
            "Picture",
            PictureData,
            [corner, width, height, padding_a, padding_b, padding_c]
        );
        let module = parsed(RIBBONS);
        same_layout!(module, "Segment", Segment, [start, finish, slopes, presence, half_width, lit, padding]);
        let module = parsed(AGGREGATE_F32);
        same_layout!(
            module,
            "Span",
            pass::Span,
            [quads, stride, first, blocks, runs, padding_a, padding_b, padding_c]
        );
        let module = parsed(PYRAMID);
        same_layout!(
            module,
            "Level",
            device::Level,
            [edge, greatest, greatest_row, texels, texels_row, factor, is_signed, padding]
        );
        assert_eq!(members(&module, "Block").1 as u64, device::BLOCK_BYTES);
        let module = parsed(DIFFERENCE);
        same_layout!(
            module,
            "Layer",
            difference::Layer,
            [quads, first_a, runs_a, first_b, runs_b, compared, to, padding]
        );
    }

    fn literal(module: &naga::Module, name: &str) -> naga::Literal {
        let (_, constant) =
            module.constants.iter().find(|(_, c)| c.name.as_deref() == Some(name)).expect(name);
        match module.global_expressions[constant.init] {
            naga::Expression::Literal(literal) => literal,
            ref other => panic!("{name} is {other:?}"),
        }
    }

    #[test]
    fn constants_of_reductions_agree_with_the_shaders() {
        for (source, width) in [
            (AGGREGATE_F32, pass::WORKGROUP),
            (AGGREGATE_F16, pass::WORKGROUP),
            (AGGREGATE_BF16, pass::WORKGROUP),
            (AGGREGATE_U8, pass::WORKGROUP),
            (DIFFERENCE, difference::WORKGROUP),
        ] {
            let module = parsed(source);
            assert!(module.entry_points.iter().all(|entry| entry.workgroup_size == [width, 1, 1]));
            for (name, kind) in [
                ("COUNT", pass::Kind::Count),
                ("RATE", pass::Kind::Rate),
                ("LOW", pass::Kind::Low),
                ("HIGH", pass::Kind::High),
                ("MEAN", pass::Kind::Mean),
                ("SPREAD", pass::Kind::Quantiles),
            ] {
                assert_eq!(literal(&module, name), naga::Literal::U32(kind as u32));
            }
        }
        let module = parsed(PYRAMID);
        for (name, value) in [
            ("NO_VALUE", pyramid::NO_VALUE),
            ("NO_CELL", pyramid::NO_CELL),
            ("SHARE_STEPS", pyramid::SHARE_STEPS),
        ] {
            assert_eq!(literal(&module, name), naga::Literal::F32(value));
        }
        assert_eq!(literal(&module, "ABSENT_BITS"), naga::Literal::U32(LayerCells::NO_CELL.to_bits()));
        let workgroup = [device::WORKGROUP, device::WORKGROUP, 1];
        assert!(module.entry_points.iter().all(|entry| entry.workgroup_size == workgroup));
        let module = parsed(DIFFERENCE);
        assert_eq!(literal(&module, "BEYOND"), naga::Literal::U32(difference::BEYOND));
        for (name, diff) in [("SIGNED", Diff::Signed), ("ABSOLUTE", Diff::Abs), ("EFFECT", Diff::Effect)] {
            assert_eq!(literal(&module, name), naga::Literal::U32(difference::constant(diff)));
        }
    }

    #[test]
    fn constants_agree_with_the_shaders() {
        let module = parsed(SLABS);
        let constant = |name: &str| match literal(&module, name) {
            naga::Literal::F32(value) => value,
            other => panic!("{name} is {other:?}"),
        };
        assert_eq!(constant("GAP"), crate::model::layout::CELL_GAP);
        assert_eq!(constant("LEAST_HEIGHT"), crate::model::layout::LEAST_HEIGHT);
        assert_eq!(constant("PALETTE_ROWS"), crate::engine::palette::ROWS as f32);
        assert_eq!(constant("PALETTE_COLUMNS"), crate::model::colour::TABLE_SIZE as f32);
        assert_eq!(constant("PALETTE_DEVIATION"), crate::engine::palette::MAX_DEVIATION);
        assert_eq!((constant("FADE_FROM"), constant("FADE_TO")), crate::engine::frame::FADE);
        assert_eq!(constant("LEAST_SLOPE"), crate::engine::frame::LEAST_SLOPE);
        let workgroup = parsed(COMPUTE).entry_points.iter().map(|entry| entry.workgroup_size).next_back();
        assert_eq!(
            workgroup,
            Some([crate::engine::compute::WORKGROUP, crate::engine::compute::WORKGROUP, 1])
        );
        assert!(constant("NO_VALUE_BELOW") > crate::engine::pyramid::NO_VALUE);
        assert!(constant("NO_CELL_BELOW") > crate::engine::pyramid::NO_CELL);
        assert!(constant("NO_CELL_BELOW") < crate::engine::pyramid::NO_VALUE);
        assert!(constant("NO_VALUE_BELOW") < -2.0, "below every stored value");
    }
}
