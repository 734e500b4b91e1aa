//! Who may ask what, found out by asking: every call by every kind of caller, on a stage where all that is meant exists.

use crate::stage::Stage;
use ledger::Call;
use std::collections::BTreeMap;
use std::fmt::Write;

macro_rules! calls {
    ($($name:ident)*) => {
        /// Every call, so that a new one does not compile without a row.
        pub const CALLS: &[&str] = &[$(stringify!($name),)*];

        fn name(call: &Call) -> &'static str {
            match call { $(Call::$name { .. } => stringify!($name),)* }
        }
    };
}

calls! {
    Genesis RegisterProvince RegisterArea SetAreaOpen SetPolicy SetTariff SetCalendar RegisterInstitution
    EnrolPerson CreditAccount SetInsuranceStatus SetRetired TerminateInsurance RegisterDeath Payout
    MoveWithinProvince ApplyTransfer AcceptTransfer SendTransfer ReceiveTransfer CompleteTransfer AbandonTransfer
    FailTransfer Suspend LiftSuspension ActivateWallet DeactivateWallet
    ProposeRelation AcceptRelation DeclineRelation SetQuota AcceptOffer DeclineOffer ReduceQuota SetPriority ReleaseRelation Settle AuthoriseSpend ConfirmSpend VoidSpend
    PayPremium Refund Reverse ClosePeriod ConfirmClearing DisputeClearing PayClearing FundPrepayment
    AdjustPrepayment Tick
}

/// The son gives, in Suzhou (32); the mother and the father use, in Zhengzhou (41); the mover goes from Suzhou to
/// Jinan (37).
const STAGE: &[&str] = &[
    "world",
    "insure son 310 suzhou 50000",
    "insure mover 310 suzhou 50000",
    "insure mother 390 zhengzhou 0",
    "insure father 390 zhengzhou 0",
    "insure stranger 390 hefei 0",
    "relate R son mother parent 1000",
    "propose as=Q donor=son beneficiary=father kinship=parent",
    "settle as=P beneficiary=mother at=hospital amount=10",
    "authorise as=H beneficiary=mother at=hospital amount=10",
    "premium as=M beneficiary=mother kind=390 amount=10",
    "set-policy from=now offers=yes",
    "set-quota as=O relation=R amount=10",
    "set-status person=mover status=stopped",
    "apply-transfer as=C person=mover to=jinan",
];

/// Everybody who asks, by kind.
const CALLERS: &[(&str, &[&str])] = &[
    ("nation", &["national"]),
    ("province", &["32", "41", "37", "34"]),
    ("agency", &["suzhou", "lianyungang", "zhengzhou", "jinan", "hefei"]),
    ("institution", &["hospital", "pharmacy"]),
    ("person", &["son", "mother", "father", "mover", "stranger"]),
    ("auditor", &["auditor"]),
    ("node", &["node"]),
];

/// What a caller is to a call.
type Roles = &'static [(&'static str, &'static str)];

const INSURED: Roles = &[("32", "of the insured"), ("suzhou", "of the insured")];
const LINE: &str = "month=2026-03 payer=suzhou payee=zhengzhou";

/// How a call is asked, and what the callers are to it that may ask it. Those that are nothing to it have no words.
fn rows() -> Vec<(String, Roles)> {
    let line = |verb: &str, rest: &str| format!("{verb} {LINE} {rest}");
    let case = |verb: &str| format!("{verb} case=C");
    let of = |verb: &str, rest: &str| format!("{verb} person=son {rest}");
    vec![
        ("genesis".into(), &[]),
        ("register-province province=12 kinship=wide".into(), &[]),
        ("register-area area=320900".into(), &[]),
        ("open area=jinan from=now".into(), &[]),
        ("set-policy from=now".into(), &[]),
        ("set-tariff area=suzhou premium=390 year=2026 tariff=any".into(), &[]),
        ("set-calendar year=2027".into(), &[]),
        (
            "register-institution institution=H32050000009 kind=hospital area=suzhou wallet=yes".into(),
            &[("32", "its own")],
        ),
        (
            "enrol person=new insurance=390 area=suzhou".into(),
            &[("32", "into its own"), ("suzhou", "into its own")],
        ),
        (of("credit", "amount=1"), INSURED),
        (of("set-status", "status=stopped"), INSURED),
        (of("set-retired", "retired=yes"), INSURED),
        (of("terminate", ""), INSURED),
        (of("death", ""), INSURED),
        (of("payout", "reason=estate"), INSURED),
        (of("move", "to=lianyungang"), INSURED),
        (
            of("apply-transfer", "to=jinan"),
            &[("32", "of the insured"), ("suzhou", "of the insured"), ("son", "the insured")],
        ),
        (case("accept-transfer"), &[("37", "new"), ("jinan", "new")]),
        (case("send-transfer"), &[("32", "old"), ("suzhou", "old")]),
        (case("receive-transfer"), &[("37", "new"), ("jinan", "new")]),
        (case("complete-transfer"), &[("37", "new"), ("jinan", "new")]),
        (
            case("abandon-transfer"),
            &[("32", "old"), ("suzhou", "old"), ("37", "new"), ("jinan", "new"), ("mover", "the insured")],
        ),
        (case("fail-transfer"), &[("32", "old"), ("suzhou", "old"), ("37", "new"), ("jinan", "new")]),
        ("suspend party=son".into(), &[("32", "of the party")]),
        ("suspend party=hospital".into(), &[("41", "of the party")]),
        ("lift party=son".into(), &[("32", "of the party")]),
        ("lift party=hospital".into(), &[("41", "of the party")]),
        ("activate person=son".into(), &[("son", "the insured")]),
        ("deactivate person=son".into(), &[("son", "the insured")]),
        (
            "propose donor=son beneficiary=mother kinship=parent".into(),
            &[("son", "donor"), ("mother", "beneficiary")],
        ),
        ("accept relation=Q".into(), &[("father", "who did not propose")]),
        ("decline relation=Q".into(), &[("son", "donor"), ("father", "beneficiary")]),
        ("set-quota relation=R amount=1".into(), &[("son", "donor")]),
        ("accept-offer offer=O".into(), &[("mother", "beneficiary")]),
        ("decline-offer offer=O".into(), &[("son", "donor"), ("mother", "beneficiary")]),
        ("reduce-quota relation=R amount=1".into(), &[("son", "donor")]),
        ("set-priority beneficiary=mother order=R".into(), &[("mother", "beneficiary")]),
        ("release relation=R".into(), &[("son", "donor"), ("mother", "beneficiary")]),
        ("settle beneficiary=mother at=hospital amount=1".into(), &[("hospital", "payee")]),
        ("authorise beneficiary=mother at=hospital amount=1".into(), &[("hospital", "payee")]),
        ("confirm hold=H".into(), &[("hospital", "payee")]),
        ("void hold=H".into(), &[("hospital", "payee")]),
        ("premium beneficiary=mother kind=390 year=2027 amount=1".into(), &[("mother", "beneficiary")]),
        ("refund payment=P".into(), &[("hospital", "payee")]),
        ("refund payment=M".into(), &[("mother", "beneficiary of a premium")]),
        ("reverse original=x".into(), &[]),
        ("close month=2026-03".into(), &[]),
        (line("confirm-line", "amount=1"), &[("32", "payer"), ("41", "payee")]),
        (line("dispute-line", ""), &[("32", "payer"), ("41", "payee")]),
        (line("pay-line", "amount=1"), &[("32", "payer")]),
        ("fund province=32 amount=1".into(), &[("32", "its own")]),
        ("adjust-fund province=32 size=1".into(), &[]),
        ("tick".into(), &[]),
    ]
}

/// The table, as markdown. What is asked in several lines of one call stands in one row.
pub fn table() -> String {
    let mut stage = Stage::new();
    for line in STAGE {
        let said = stage.run(&[line]).expect("the stage is set");
        assert!(!said.contains("refused"), "`{line}`: {said}");
    }
    let mut cells: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (line, roles) in rows() {
        for (kind, askers) in CALLERS {
            let answers: Vec<(&str, bool)> = askers.iter().map(|asker| ask(&stage, &line, asker)).collect();
            let (call, _) = answers[0];
            let cell = cells.entry((call, *kind)).or_default();
            let all = answers.iter().all(|(_, may)| *may);
            for (asker, _) in askers.iter().zip(&answers).filter(|(_, (_, may))| *may) {
                let role = roles.iter().find(|(known, _)| known == asker);
                let role = role.map_or(if all { "yes" } else { *asker }, |(_, role)| role);
                if !cell.contains(&role) {
                    cell.push(role);
                }
            }
        }
    }
    let kinds: Vec<&str> = CALLERS.iter().map(|(kind, _)| *kind).collect();
    let mut out = format!("| Call | {} |\n|---|{}\n", kinds.join(" | "), "---|".repeat(kinds.len()));
    for call in CALLS {
        let row =
            kinds.iter().map(|kind| cells.get(&(*call, *kind)).expect("every call has a line").join(", "));
        writeln!(out, "| {call} | {} |", row.collect::<Vec<_>>().join(" | ")).expect("strings take text");
    }
    out
}

/// The call that a line asks, and whether this caller may ask it.
fn ask(stage: &Stage, line: &str, asker: &str) -> (&'static str, bool) {
    let mut trial = stage.clone();
    let said = trial.run(&[&format!("{line} by={asker}")]).unwrap_or_else(|why| panic!("`{line}`: {why}"));
    let asked = trial.sent.iter().find(|(id, _)| !stage.sent.contains_key(*id));
    let (_, transaction) = asked.expect("something was asked");
    (name(&transaction.call), said != "refused NotPermitted\n")
}
