//! Prints what is decided, from an index on, over failures of nodes:
//! `cargo run -p client --example watch -- http://127.0.0.1:7701,http://127.0.0.1:7702 1`

use client::{Client, Outcome};
use std::env;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [nodes, from] = arguments.as_slice() else {
        return Err("usage: watch NODE[,NODE…] FROM_INDEX".into());
    };
    let mut watch = Client::connect(nodes.split(',')).await?.watch(from.parse()?);
    loop {
        let entry = watch.next().await?;
        for decision in &entry.decisions {
            match &decision.outcome {
                Outcome::Done(receipt) => {
                    println!("{}-{} {} done", entry.index, receipt.place, receipt.request_id);
                    for event in receipt.events.iter().filter_map(|event| event.kind.as_ref()) {
                        println!("    {event:?}");
                    }
                }
                Outcome::Refused(no) => println!("{}-{} {} {no}", entry.index, no.place, no.request_id),
                Outcome::Unknown(id) => println!("{}: {id} without an outcome", entry.index),
            }
        }
        // Whoever does something with an entry keeps its index, and goes on from the next one after a restart.
    }
}
