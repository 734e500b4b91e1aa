//! Nodes in this process over real files and real sockets, asked through the SDK and by the program.

mod audit;
mod doors;
mod export;
mod family;
mod fuzz;
mod members;
mod one;
mod questions;
mod recovery;
mod statement;
mod watch;
