//! Metrics as they are written in the manifest.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A metric, which can be NaN or infinite: written as a number or else as `"NaN"`, `"Infinity"` or
/// `"-Infinity"`; read also as the bare words that Python writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric(pub(super) f64);

/// Equal bits, so that NaN is equal to itself.
impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value => serializer.serialize_f64(value),
        }
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetricVisitor;
        impl Visitor<'_> for MetricVisitor {
            type Value = Metric;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Metric, E> {
                Ok(Metric(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Metric, E> {
                Ok(Metric(value as f64))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Metric, E> {
                Ok(Metric(value as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Metric, E> {
                match text {
                    "NaN" => Ok(Metric(f64::NAN)),
                    "Infinity" => Ok(Metric(f64::INFINITY)),
                    "-Infinity" => Ok(Metric(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(MetricVisitor)
    }
}
