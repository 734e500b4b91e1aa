//! Reads at three levels from every kind of node; writes through every node; one request through all nodes at once.

use client::v1::consistency::Level;
use client::v1::query_client::QueryClient;
use client::v1::{Consistency as Wanted, GetPersonRequest};
use client::{Caller, Client, Consistency, Error, Outcome, Prepared, Reason, Receipt};
use futures::future::join_all;
use std::net::SocketAddr;
use tests::bench::{run, wait_for};
use tests::cluster::{CALM_MAX, Options};
use tests::history::Expect;
use tests::traffic::Pace;
use tests::trial::Trial;
use tests::world::{Desk, PLACES, yuan};
use tonic::transport::Endpoint;

/// Three voters and a learner.
fn with_learner() -> Options {
    Options { learners: 1, ..Options::default() }
}

/// A node that is told in which place it stands among the others.
const NODES: [usize; 4] = [0, 1, 2, 3];

/// Credits one fen, through one node.
async fn credit(trial: &Trial, through: &Client) -> Receipt {
    let family = &trial.world.families[0];
    let desk = Desk::new(through, &trial.history);
    let agency = Caller::agency(family.donor_area);
    desk.must(&agency, |client| client.credit_account(&family.donor, yuan(1), "2026-10")).await
}

/// What the donor of the first family was credited, as this client reads it.
async fn credited(trial: &Trial, client: &Client) -> Result<(u64, u64, u64), client::Error> {
    let read = client.person(&trial.world.families[0].donor).await?;
    let account = read.value.account.expect("a donor has an account");
    let amount: client::Yuan = account.credited.parse().expect("an amount");
    Ok((amount.fen(), read.index, read.node))
}

#[test]
fn each_level_of_reading_keeps_its_word_on_every_node() {
    run("reads", "each_level_of_reading_keeps_its_word_on_every_node", async |seed| {
        let mut trial = Trial::begin(seed, with_learner()).await;
        let clients: Vec<Client> = NODES.map(|place| trial.cluster.client_of(place)).to_vec();
        let (start, _, _) = credited(&trial, &clients[0]).await.expect("an answer");
        let mut seen_locally = [0; NODES.len()];
        for round in 1..=24 {
            // Every node takes writes: it passes them on.
            let receipt = credit(&trial, &clients[round % NODES.len()]).await;
            let wanted = start + 2 * round as u64 - 1;
            let level =
                if round % 2 == 0 { Consistency::Linearizable } else { Consistency::AtLeast(receipt.index) };
            // All at once and right behind the answer: a node that has not caught up yet must wait.
            let fresh: Vec<Client> = clients.iter().map(|client| client.reading(level)).collect();
            let answers = join_all(fresh.iter().map(|client| credited(&trial, client))).await;
            for (place, answer) in answers.into_iter().enumerate() {
                let (amount, index, node) = answer.expect("an answer");
                let id = trial.cluster.nodes[place].id;
                assert_eq!((amount, node), (wanted, id), "{level:?} at node {place} in round {round}");
                assert!(index >= receipt.index, "{level:?} shows {index}, behind {}", receipt.index);
            }
            // Without a wish for freshness an answer may be old; it says how old, and never goes back.
            let receipt = credit(&trial, &clients[(round + 1) % NODES.len()]).await;
            let wanted = wanted + 1;
            for place in NODES {
                let local = clients[place].reading(Consistency::Local);
                let (amount, index, node) = credited(&trial, &local).await.expect("an answer");
                assert_eq!(node, trial.cluster.nodes[place].id, "another node answered");
                let old = amount < seen_locally[place] || amount > wanted;
                assert!(
                    !old,
                    "node {place} reads {amount} of {wanted}, and read {} before",
                    seen_locally[place]
                );
                assert_eq!(
                    amount == wanted,
                    index >= receipt.index,
                    "the header's index is not what was read"
                );
                seen_locally[place] = amount;
            }
        }
        trial_judge_quietly(&mut trial).await;
    });
}

#[test]
fn an_index_that_is_not_reached_is_said_and_a_receipt_is_found() {
    run("reads", "an_index_that_is_not_reached_is_said_and_a_receipt_is_found", async |seed| {
        let trial = Trial::begin(seed, with_learner()).await;
        let asked = NODES.map(|place| {
            let address = format!("http://{}", trial.cluster.nodes[place].clients);
            let person = trial.world.families[0].donor.clone();
            async move {
                let channel =
                    Endpoint::from_shared(address).expect("an address").connect().await.expect("a node");
                let consistency = Some(Wanted { level: Some(Level::AtLeast(1 << 40)) });
                QueryClient::new(channel).get_person(GetPersonRequest { person, consistency }).await
            }
        });
        for answer in join_all(asked).await {
            let status = answer.expect_err("nobody has applied that far");
            assert_eq!(proto::status::reason_of(&status), Some(Reason::IndexNotReached), "{status:?}");
        }

        // A receipt can be asked for by id alone, at every node; an id that nobody used has none.
        let receipt = credit(&trial, &trial.cluster.client(0)).await;
        let agency = Caller::agency(trial.world.families[0].donor_area);
        for place in NODES {
            let client = trial.cluster.client_of(place).acting_as(agency.clone());
            let found = client.receipt(receipt.request_id).await.expect("an answer");
            let expected = Receipt { repeated: true, ..receipt.clone() };
            assert_eq!(found, Some(Outcome::Done(expected)), "at node {place}");
            let nothing = client.receipt(client::RequestId::fresh()).await;
            assert!(matches!(nothing, Ok(None)), "at node {place}: {nothing:?}");
            // An id belongs to its caller.
            let other = trial.cluster.client_of(place).acting_as(Caller::agency(PLACES[1].area));
            assert_eq!(other.receipt(receipt.request_id).await.expect("an answer"), None, "at node {place}");
        }
    });
}

/// How many questions are put to a leader that sleeps.
const ASKED: usize = 16;
/// What a question is at least, in bytes on its way: two heads of HTTP/2 frames, and a person's id as text.
const QUESTION: usize = 2 * 9 + 36;

/// How many bytes lie in this machine's sockets at an address and were not read yet.
fn unread(address: &str) -> usize {
    let SocketAddr::V4(address) = address.parse().expect("an address") else {
        panic!("{address} is no IPv4")
    };
    // As the system writes it: the bytes as they lie in memory, then the port.
    let wanted = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the system's table of sockets");
    let waiting = table.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A listening socket counts connections there, and not bytes.
        let ours = words.get(1) == Some(&&*wanted) && words.get(3) != Some(&"0A");
        let (_, received) = words.get(4).filter(|_| ours)?.split_once(':')?;
        usize::from_str_radix(received, 16).ok()
    });
    waiting.sum()
}

#[test]
fn a_leader_that_slept_does_not_serve_the_past() {
    run("reads", "a_leader_that_slept_does_not_serve_the_past", async |seed| {
        let mut trial = Trial::begin(seed, with_learner()).await;
        for round in 0..3 {
            let sleeper = trial.cluster.leader().await;
            let before = credited(&trial, &trial.cluster.client(0)).await.expect("an answer").0;
            trial.cluster.pause(sleeper);
            let others: Vec<usize> = NODES.into_iter().filter(|place| *place != sleeper).collect();
            let leader = wait_for(CALM_MAX, "another leader", async || {
                for place in &others {
                    let status = trial.cluster.status(*place).await?;
                    if status.leader == status.node && status.voter {
                        return Some(*place);
                    }
                }
                None
            })
            .await;
            let receipt = credit(&trial, &trial.cluster.client_of(leader)).await;
            let old = trial.cluster.client_of(sleeper).within(CALM_MAX);
            // Asked while it still sleeps, answered when it wakes up: it believes that it leads.
            let asked = join_all((0..ASKED).map(|_| credited(&trial, &old)));
            let wake = async {
                wait_for(CALM_MAX, "questions that lie before the sleeper", async || {
                    (unread(&trial.cluster.nodes[sleeper].clients) >= ASKED * QUESTION).then_some(())
                })
                .await;
                trial.cluster.resume(sleeper);
            };
            for answer in futures::join!(asked, wake).0 {
                let (amount, index, _) =
                    answer.unwrap_or_else(|error| panic!("round {round}: no answer: {error}"));
                assert_eq!(
                    amount,
                    before + 1,
                    "round {round}: the past, at index {index}, not {}",
                    receipt.index
                );
            }
        }
        trial_judge_quietly(&mut trial).await;
    });
}

#[test]
fn one_request_through_all_nodes_at_once_is_done_once() {
    run("reads", "one_request_through_all_nodes_at_once_is_done_once", async |seed| {
        let mut trial = Trial::begin(seed, with_learner()).await;
        let load = trial.load(0, &Pace { callers: 8, ..Pace::default() });
        let clients: Vec<Client> = NODES.map(|place| trial.cluster.client_of(place)).to_vec();
        let user = trial.world.families[1].beneficiary.clone();
        let institution = PLACES[0].institution;
        for round in 0..20 {
            let hospital = clients[0].acting_as(Caller::institution(institution));
            let call = hospital.settle(&user, institution, yuan(100 + round));
            let op = trial.history.begin(&Caller::institution(institution), call.transaction(), Expect::Done);
            let sendings = clients.iter().chain(&clients).map(async |client| {
                wait_for(CALM_MAX, "an answer to every sending", async || {
                    let send = async |prepared: Prepared| client.submit(&prepared).await;
                    match trial.history.attempt(op, send).await {
                        Ok(Outcome::Unknown(_)) | Err(Error::NotSent { .. }) => None,
                        reply => Some(reply),
                    }
                })
                .await
            });
            let replies = join_all(sendings).await;
            let firsts = replies
                .iter()
                .filter(|reply| matches!(reply, Ok(Outcome::Done(receipt)) if !receipt.repeated));
            let firsts = firsts.count();
            assert!(
                firsts <= 1,
                "{firsts} sendings of one request were each told to be the first: {replies:#?}"
            );
            let dones = replies.iter().filter(|reply| matches!(reply, Ok(Outcome::Done(_)))).count();
            assert_eq!(dones, replies.len(), "a sending was not answered as the others: {replies:#?}");
        }
        trial.stop(load, 300).await;
        trial.judge(300).await.demand("one request through all nodes");
    });
}

#[test]
fn a_watch_goes_on_over_the_death_of_its_node() {
    run("reads", "a_watch_goes_on_over_the_death_of_its_node", async |seed| {
        let mut trial = Trial::begin(seed, with_learner()).await;
        let load = trial.load(0, &Pace::default());
        // The trial's follower starts at node 0 and goes on to the next with every death.
        for place in [0, 1, 2] {
            trial.progress(200).await;
            trial.cluster.kill(place);
            trial.progress(50).await;
            trial.cluster.start_node(place).await;
            trial.cluster.leader().await;
        }
        trial.progress(100).await;
        trial.stop(load, 500).await;
        trial.judge(500).await.demand("the watched node killed");
    });
}

/// The judges, for a test whose load was only its own few calls.
async fn trial_judge_quietly(trial: &mut Trial) {
    let load = trial.load(9, &Pace::default());
    trial.progress(200).await;
    trial.stop(load, 200).await;
    trial.judge(200).await.demand("reads");
}
