//! Groups and folding.

use super::*;
use crate::model::testing::recording;

fn tree(names: &[&str]) -> ModuleTree {
    let mut recording = recording(&vec![4; names.len()], &[], &[], &[0]);
    for (layer, name) in recording.layers.iter_mut().zip(names) {
        layer.name = (*name).to_owned();
    }
    ModuleTree::new(&recording)
}

/// Two stages of two blocks each, between a stem and a head.
const RESIDUAL: [&str; 10] = [
    "conv1",
    "layer1.0.conv1",
    "layer1.0.conv2",
    "layer1.1.conv1",
    "layer1.1.conv2",
    "layer2.0.conv1",
    "layer2.0.conv2",
    "layer2.0.downsample.0",
    "layer2.1.conv1",
    "fc",
];

fn paths(tree: &ModuleTree) -> Vec<(&str, usize, Range<usize>)> {
    tree.groups.iter().map(|group| (group.path.as_str(), group.depth, group.layers.clone())).collect()
}

/// The items as text: a folded group in brackets.
fn items(tree: &ModuleTree, names: &[&str], fold: &Fold) -> String {
    let item = |item: &ModuleItem| match *item {
        ModuleItem::Layer(layer) => names[layer].to_owned(),
        ModuleItem::Group(group) => format!("[{}]", tree.groups[group].path),
    };
    tree.items(fold).iter().map(item).collect::<Vec<_>>().join(" ")
}

#[test]
fn groups_are_runs_of_layers_with_a_common_beginning() {
    let tree = tree(&RESIDUAL);
    assert_eq!(
        paths(&tree),
        [
            ("", 0, 0..10),
            ("layer1", 1, 1..5),
            ("layer1.0", 2, 1..3),
            ("layer1.1", 2, 3..5),
            ("layer2", 1, 5..9),
            ("layer2.0", 2, 5..8),
        ],
        "a block of one layer is no group"
    );
    assert_eq!(
        [0, 1, 4, 5, 8, 9].map(|layer| tree.stage_of(layer)),
        [None, Some(1), Some(1), Some(4), Some(4), None]
    );
    assert_eq!(tree.children(0).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(tree.children(1).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_beginning_that_all_layers_share_is_no_group() {
    let names = ["model.encoder.a", "model.encoder.b", "model.decoder.a", "model.decoder.b", "model.head"];
    let found = tree(&names);
    assert_eq!(paths(&found)[1..], [("model.encoder", 1, 0..2), ("model.decoder", 1, 2..4)]);
    let keras = tree(&["model/stage/a", "model/stage/b", "model/head"]);
    assert_eq!(paths(&keras).len(), 2);
    assert_eq!(keras.groups[1].path, "model/stage");
    // A path that occurs again is another group.
    let again = tree(&["a.x", "a.y", "b", "a.z", "a.w"]);
    assert_eq!(paths(&again)[1..], [("a", 1, 0..2), ("a", 1, 3..5)]);
}

#[test]
fn odd_names_are_grouped_without_harm() {
    assert_eq!(tree(&[]).items(&Fold::default()), []);
    for names in
        [&["1", "2", "3"][..], &["a", "a", "a"], &["", "", "."], &["a", "a.b", "a.b.c"], &["..", "..", ".."]]
    {
        let tree = tree(names);
        for fold in [Fold::default(), Fold::none(), Fold { depth: Some(0), ..Fold::default() }] {
            let layers: usize = tree
                .items(&fold)
                .iter()
                .map(|item| match *item {
                    ModuleItem::Layer(_) => 1,
                    ModuleItem::Group(group) => tree.groups[group].layers.len(),
                })
                .sum();
            assert_eq!(layers, names.len(), "{names:?}: each layer once");
        }
    }
    // Each name within the one before: no deeper than the limit.
    let nested: Vec<String> = (1..400).map(|depth| vec!["a"; depth].join(".")).collect();
    let tree = tree(&nested.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(tree.groups.iter().all(|group| group.depth <= MAX_DEPTH));
}

#[test]
fn groups_fold_by_depth_and_one_by_one() {
    let tree = tree(&RESIDUAL);
    let items = |fold: &Fold| items(&tree, &RESIDUAL, fold);
    let depth = |depth| Fold { depth: Some(depth), ..Fold::default() };
    assert_eq!(items(&depth(0)), "[]");
    assert_eq!(items(&depth(1)), "conv1 [layer1] [layer2] fc");
    assert_eq!(items(&depth(2)), "conv1 [layer1.0] [layer1.1] [layer2.0] layer2.1.conv1 fc");
    assert_eq!(items(&Fold::none()), RESIDUAL.join(" "));
    assert_eq!(items(&Fold::default()), RESIDUAL.join(" "), "few layers are not folded");
    let mut fold = depth(1);
    fold.set("layer1.0", false);
    assert_eq!(items(&fold), "conv1 layer1.0.conv1 layer1.0.conv2 [layer1.1] [layer2] fc");
    fold.set("layer1", true);
    assert_eq!(items(&fold), "conv1 [layer1] [layer2] fc", "what was unfolded inside is folded as well");
    fold.set("layer1", false);
    assert_eq!(items(&fold), "conv1 [layer1.0] [layer1.1] [layer2] fc");
    let mut fold = Fold::none();
    fold.set("layer2", true);
    assert!(items(&fold).ends_with("layer1.1.conv2 [layer2] fc"));
    fold.set("layer2.0", false);
    assert!(
        items(&fold).ends_with("layer2.0.downsample.0 layer2.1.conv1 fc"),
        "what contains it is unfolded"
    );
    assert_eq!(items(&tree.folded_by(&depth(1), 1)), items(&depth(2)));
    assert_eq!(items(&tree.folded_by(&depth(1), -5)), items(&depth(1)), "stages stay");
}

#[test]
fn many_layers_are_folded_to_a_legible_number() {
    let mut names = vec!["stem".to_owned()];
    for stage in 0..4 {
        for block in 0..5 {
            names.extend((0..6).map(|layer| format!("layer{stage}.{block}.conv{layer}")));
        }
    }
    let tree = tree(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(tree.items(&Fold::default()).len(), 21, "the stem and 20 blocks, not 121 layers");
}

#[test]
fn a_fold_is_kept_as_json() {
    let mut fold = Fold { depth: Some(2), ..Fold::default() };
    fold.set("layer1", false);
    let text = serde_json::to_string(&fold).expect("JSON");
    assert_eq!(text, r#"{"depth":2,"unfolded":["layer1"]}"#);
    assert_eq!(serde_json::from_str::<Fold>(&text).expect("a fold"), fold);
    assert_eq!(serde_json::from_str::<Fold>("{}").expect("a fold"), Fold::default());
}
