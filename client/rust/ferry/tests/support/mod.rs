//! What the tests of these crates share: a real broker, and pictures that cannot be mistaken for one another.
#![allow(dead_code)] // each test uses its part

pub mod broker;
pub mod pattern;
