//! `gongji year`: a year in the life of 32 provinces, on real nodes, by a clock that jumps from day to day.

mod bonds;
mod clear;
mod govern;
mod land;
mod moves;
mod pay;
mod people;
mod plan;
mod rng;
mod run;
mod step;
#[cfg(test)]
mod tests;
mod undo;
mod wrong;
