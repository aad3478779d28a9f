// Linear light: conversion from and to encoded colours, and haze.

#import "shared/frame.wgsl" { frame }

// Linear light of an sRGB-encoded colour. It is approximated by the square: within 0.02 of the exact
// curve wherever colours are mixed, exact where they are not, and a fraction of its cost.
fn light(colour: vec3<f32>) -> vec3<f32> {
    return colour * colour;
}

// Linear light premultiplied by alpha → sRGB-encoded, premultiplied by alpha.
fn encoded(colour: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(sqrt(max(colour.rgb / max(colour.a, 1e-4), vec3<f32>(0.0))) * colour.a, colour.a);
}

// Share of the background that haze mixes into what is at this distance from the eye. Slabs and ribbons are
// hazed; cells have the exact colours of the colour map.
fn haze_at(distance: f32) -> f32 {
    return frame.haze * smoothstep(frame.haze_near, frame.haze_far, distance);
}

// Mixes the background into a colour, which is premultiplied by alpha.
fn hazed(colour: vec4<f32>, distance: f32) -> vec4<f32> {
    return vec4<f32>(mix(colour.rgb, frame.ground_colour * colour.a, haze_at(distance)), colour.a);
}
