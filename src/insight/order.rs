use crate::model::*;
pub fn places() {}
