//! Pays once, whatever happens on the way:
//! `cargo run -p client --example pay -- http://127.0.0.1:7701 PERSON H41010000001 98.60`

use client::{Caller, Client, Outcome};
use std::env;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [nodes, person, institution, amount] = arguments.as_slice() else {
        return Err("usage: pay NODE[,NODE…] PERSON INSTITUTION AMOUNT".into());
    };
    let client = Client::connect(nodes.split(',')).await?.acting_as(Caller::institution(institution));
    let payment = client.settle(person, institution, amount.parse()?);

    // A till would write this down before it goes on, and after a crash ask with it.
    println!("request {}", payment.request_id());
    let mut outcome = payment.send().await?;
    if let Outcome::Unknown(id) = outcome {
        println!("no reply in time: asking again for {id}");
        outcome = payment.send().await?;
    }
    match outcome {
        Outcome::Done(receipt) => {
            println!(
                "done at log index {}{}",
                receipt.index,
                if receipt.repeated { ", earlier" } else { "" }
            );
            if let Some(paid) = receipt.settled() {
                println!("payment {}: own account {}, cash {}", paid.payment, paid.own, paid.cash);
                for leg in &paid.legs {
                    println!(
                        "  relation {}: {} paid, {} left of the quota",
                        leg.relation, leg.amount, leg.unused
                    );
                }
            }
        }
        Outcome::Refused(no) => println!("{}。{}。（{no}）", no.zh(), no.text().hint_zh),
        Outcome::Unknown(id) => {
            println!("still unknown: keep {id} and ask later, or reverse it if it is no longer wanted")
        }
    }
    Ok(())
}
