//! Checks of all shaders, and of their structs and constants against the Rust ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wgpu::naga;

use super::import::{declarations, tokens};
use super::*;
use crate::engine::aggregate::{difference, pass};
use crate::engine::floors::Area;
use crate::engine::frame::{FrameData, SlabData};
use crate::engine::picture::PictureData;
use crate::engine::pyramid::{self, device, place};
use crate::engine::ribbons::Segment;
use crate::model::{Diff, LayerCells};

const KINDS: [pass::Kind; 6] = [
    pass::Kind::Count,
    pass::Kind::Rate,
    pass::Kind::Low,
    pass::Kind::High,
    pass::Kind::Mean,
    pass::Kind::Deviation,
];

fn parsed(shader: Shader<'_>) -> naga::Module {
    let source = &shader.source().unwrap();
    let module =
        naga::front::wgsl::parse_str(source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty())
        .validate(&module)
        .unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
    module
}

/// Calls `with` with every shader, and with all combinations of files in its slots.
fn for_every_shader(mut with: impl FnMut(Shader<'_>)) {
    for shader in [SLABS, CELLS, COMPUTE, PICTURE, RIBBONS, FLOORS, BLIT, PLACE, PYRAMID] {
        with(shader);
    }
    for kind in KINDS {
        with(DIFFERENCE.with(&[("stored", kind.stored())]));
        for rows in [ROWS_F32, ROWS_F16, ROWS_BF16, ROWS_U8] {
            with(AGGREGATE.with(&[("rows", rows), ("stored", kind.stored())]));
        }
    }
}

#[test]
fn every_shader_is_valid() {
    for_every_shader(|shader| drop(parsed(shader)));
}

#[test]
fn every_file_is_part_of_a_shader() {
    let mut used = BTreeSet::new();
    for_every_shader(|shader| used.extend(shader.parts().unwrap().iter().map(|part| part.file)));
    let listed: BTreeSet<&str> = FILES.iter().map(|(file, _)| *file).collect();
    assert_eq!(used, listed);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut found = BTreeSet::new();
    for folder in ["", "shared/"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            found.extend(name.ends_with(".wgsl").then(|| format!("{folder}{name}")));
        }
    }
    assert!(found.iter().map(String::as_str).eq(listed), "{found:?}");
}

/// Names that a text uses or declares anywhere but as members.
fn names(text: &str) -> BTreeSet<&str> {
    let tokens: Vec<&str> = tokens(text).collect();
    let before = [""].iter().chain(&tokens);
    before.zip(&tokens).filter(|(before, _)| **before != ".").map(|(_, token)| *token).collect()
}

/// The first name that a file of `parts` uses without importing it, or imports without using it.
fn wrong_name(parts: &[Part]) -> Option<String> {
    for part in parts {
        let names = names(&part.body);
        for other in parts.iter().filter(|other| other.file != part.file) {
            let mut imported: Vec<&str> = Vec::new();
            for import in part.imports.iter().filter(|import| import.file == other.file) {
                imported.extend(&import.names);
            }
            for name in declarations(&other.body) {
                let (uses, imports) = (names.contains(name), imported.contains(&name));
                if uses != imports {
                    return Some(format!("{}: {name} of {} ({uses}, {imports})", part.file, other.file));
                }
            }
        }
    }
    None
}

#[test]
fn files_import_the_names_that_they_use_and_no_others() {
    for_every_shader(|shader| assert_eq!(wrong_name(&shader.parts().unwrap()), None));
}

#[test]
fn names_that_are_not_imported_are_found() {
    let part = |file, names: &[&'static str], body: &str| Part {
        file,
        imports: if names.is_empty() {
            Vec::new()
        } else {
            vec![import::Import { file: "a", names: names.to_vec() }]
        },
        body: body.into(),
    };
    let a = || part("a", &[], "const one = 1;\nfn two() {}\n");
    let wrong = |b| wrong_name(&[a(), b]);
    assert_eq!(wrong(part("b", &["one"], "const three = one + it.two; // two")), None);
    assert_eq!(wrong(part("b", &["one"], "fn f() { two(); }")).as_deref(), Some("b: one of a (false, true)"));
    assert_eq!(wrong(part("b", &[], "fn f() { two(); }")).as_deref(), Some("b: two of a (true, false)"));
    assert!(wrong(part("b", &["two"], "fn f() { two(one); }")).is_some());
}

#[test]
fn haze_does_not_need_the_tracer() {
    for shader in [PICTURE, RIBBONS, FLOORS] {
        let files: Vec<&str> = shader.parts().unwrap().iter().map(|part| part.file).collect();
        assert_eq!(files, ["shared/frame.wgsl", "shared/light.wgsl", shader.root]);
    }
}

/// (name, offset) of every member of a struct, and its size.
type Layout = (Vec<(String, usize)>, usize);

/// The layout of a shader's struct.
fn layout(module: &naga::Module, name: &str) -> Layout {
    let (_, ty) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name)).expect(name);
    let naga::TypeInner::Struct { members, span } = &ty.inner else { panic!("{name} is no struct") };
    let rows = members
        .iter()
        .map(|member| (member.name.clone().unwrap_or_default(), member.offset as usize))
        .collect();
    (rows, *span as usize)
}

/// Name and layout of a Rust struct that is `$wgsl` in shaders.
macro_rules! layout {
    ($wgsl:literal, $rust:ty, [$($field:ident),+ $(,)?]) => {
        (
            $wgsl,
            (
                vec![$((stringify!($field).to_owned(), std::mem::offset_of!($rust, $field))),+],
                size_of::<$rust>(),
            ),
        )
    };
}

/// The layouts of the structs that both Rust and shaders access.
fn layouts() -> [(&'static str, Layout); 10] {
    [
        layout!(
            "FrameData",
            FrameData,
            [
                clip_from_world,
                eye,
                pixel,
                ground_colour,
                haze,
                slab_colour,
                haze_near,
                no_value_colour,
                haze_far,
                shade_low,
                height,
                shade_high,
                t,
                border,
                thickness,
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
                rim,
                padding,
            ]
        ),
        layout!(
            "Slab",
            SlabData,
            [corner, pitch, grid, base, page, top, low, inverse_range, layer, scale_from, scale_to, opacity]
        ),
        layout!("Picture", PictureData, [corner, width, height, padding_a, padding_b, padding_c]),
        layout!(
            "Segment",
            Segment,
            [
                start,
                half_width,
                finish,
                highlighted,
                start_tangent,
                start_opacity,
                finish_tangent,
                finish_opacity
            ]
        ),
        layout!("Area", Area, [low, high, inner_low, inner_high, y, soft, shadow, padding]),
        layout!("Span", pass::Span, [quads, stride, first, blocks, runs, padding_a, padding_b, padding_c]),
        layout!("ReductionRange", pass::ReductionRange, [first, length, to, padding]),
        layout!(
            "Rectangle",
            place::Rectangle,
            [x, y, columns, rows, skipped, stride, count, first, order, shift, edge, padding]
        ),
        layout!(
            "Level",
            device::Level,
            [edge, greatest, greatest_row, texels, texels_row, is_signed, padding_a, padding_b]
        ),
        layout!(
            "LayerSummaries",
            difference::LayerSummaries,
            [quads, first_a, runs_a, first_b, runs_b, compared, to, padding]
        ),
    ]
}

/// Structs in buffers that only shaders write and read.
const ON_THE_DEVICE: [&str; 2] = ["Block", "StoredSummary"];

/// Names of the structs in a shader's buffers.
fn structs_in_buffers(module: &naga::Module) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, variable) in module.global_variables.iter() {
        if matches!(variable.space, naga::AddressSpace::Uniform | naga::AddressSpace::Storage { .. }) {
            let mut ty = &module.types[variable.ty];
            while let naga::TypeInner::Array { base, .. } = ty.inner {
                ty = &module.types[base];
            }
            if let naga::TypeInner::Struct { members, .. } = &ty.inner {
                names.extend(ty.name.clone());
                for member in members {
                    let inner = &module.types[member.ty].inner;
                    let is_plain = inner.scalar().is_some();
                    assert!(is_plain, "{:?} has a member that is not compared", ty.name);
                }
            }
        }
    }
    names
}

#[test]
fn structs_lie_the_same_on_both_sides() {
    let layouts = layouts();
    let mut compared = BTreeSet::new();
    for_every_shader(|shader| {
        let module = parsed(shader);
        for name in structs_in_buffers(&module) {
            if ON_THE_DEVICE.contains(&name.as_str()) {
                continue;
            }
            let (wgsl, ours) =
                layouts.iter().find(|(wgsl, _)| *wgsl == name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(layout(&module, wgsl), *ours, "{wgsl}");
            compared.insert(*wgsl);
        }
    });
    assert!(layouts.iter().all(|(wgsl, _)| compared.contains(wgsl)), "{compared:?}");
}

#[test]
fn structs_on_the_device_have_the_sizes_that_buffers_are_made_for() {
    assert_eq!(layout(&parsed(PYRAMID), "Block").1 as u64, device::BLOCK_BYTES);
    for kind in KINDS {
        let module = parsed(DIFFERENCE.with(&[("stored", kind.stored())]));
        assert_eq!(layout(&module, "StoredSummary").1 as u64, 16 * kind.parts(), "{kind:?}");
    }
}

fn literal(module: &naga::Module, name: &str) -> naga::Literal {
    let (_, constant) = module.constants.iter().find(|(_, c)| c.name.as_deref() == Some(name)).expect(name);
    match module.global_expressions[constant.init] {
        naga::Expression::Literal(literal) => literal,
        ref other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn constants_of_reductions_agree_with_the_shaders() {
    let slots = [("rows", ROWS_F32), ("stored", STORED_DEVIATION)];
    for (shader, width) in [(AGGREGATE, pass::WORKGROUP), (DIFFERENCE, difference::WORKGROUP)] {
        let module = parsed(shader.with(&slots));
        assert!(module.entry_points.iter().all(|entry| entry.workgroup_size == [width, 1, 1]));
        for (name, kind) in [
            ("COUNT", pass::Kind::Count),
            ("RATE", pass::Kind::Rate),
            ("LOW", pass::Kind::Low),
            ("HIGH", pass::Kind::High),
            ("MEAN", pass::Kind::Mean),
            ("DEVIATION", pass::Kind::Deviation),
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
    let module = parsed(PLACE);
    assert_eq!(literal(&module, "ABSENT_BITS"), naga::Literal::U32(LayerCells::NO_CELL.to_bits()));
    assert_eq!(literal(&module, "AS_TRAINED"), naga::Literal::U32(place::AS_TRAINED));
    let workgroup = [place::WORKGROUP, place::WORKGROUP, 1];
    assert!(module.entry_points.iter().all(|entry| entry.workgroup_size == workgroup));
    let module = parsed(DIFFERENCE.with(&slots));
    assert_eq!(literal(&module, "FALLBACK"), naga::Literal::U32(difference::FALLBACK));
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
    assert_eq!(workgroup, Some([crate::engine::compute::WORKGROUP, crate::engine::compute::WORKGROUP, 1]));
    assert!(constant("NO_VALUE_BELOW") > crate::engine::pyramid::NO_VALUE);
    assert!(constant("NO_CELL_BELOW") > crate::engine::pyramid::NO_CELL);
    assert!(constant("NO_CELL_BELOW") < crate::engine::pyramid::NO_VALUE);
    assert!(constant("NO_VALUE_BELOW") < -2.0, "below every stored value");
}
