//! The rules, each in a sentence. Scripts name in brackets those that they fix.

/// Where the published rules are silent.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("4.1", "A quota moves no money: it freezes a part of the donor's account."),
    ("4.2", "Donors pay in the beneficiary's order; those not ordered in the sequence of their relations."),
    ("4.3", "The own account pays first, unless the policy puts it last or the caller leaves it alone."),
    ("4.4", "What is not covered is left for cash, unless all or nothing was asked."),
    ("4.5", "A refund in part goes the order of deduction backwards; nothing is split in proportion."),
    (
        "4.6",
        "A refund goes back to the quota while the relation is active and the quota not expired, else to the donor's account, never to the beneficiary.",
    ),
    (
        "4.7",
        "After a transfer a refund goes to the donor's account at the new place, and the old area owes the new one what it owes the payee less.",
    ),
    (
        "4.8",
        "A refund after the month has closed counts in the month of the refund; a sum below zero changes payer and payee.",
    ),
    ("4.9", "Refunds have no end, unless the policy sets one; from a year on they are flagged as late."),
    ("4.10", "A release returns at once what is not held; held parts come back when they resolve."),
    ("4.11", "A relation needs both parties to begin, and one to end."),
    (
        "4.12",
        "A quota is raised as far as the donor has money available, and lowered down to what is used and held.",
    ),
    ("4.13", "A quota may expire; then what is unused returns to the donor, and the relation stays."),
    ("4.14", "An offer is frozen from the beginning, and returns at the next 06:00 if nobody accepts it."),
    (
        "4.15",
        "How often, how much at a time, at which hours, and from how many donors is for the policy to say.",
    ),
    ("4.16", "Between areas that are not both open a relation may stand, but holds and pays nothing."),
    (
        "4.17",
        "Inside a province its own scope of kinship counts, between provinces the national one; a scope that narrows ends nothing.",
    ),
    (
        "4.18",
        "Kinship is that of the beneficiary to the donor, and must agree with the relation the other way round.",
    ),
    ("4.19", "Nobody gives to oneself."),
    ("4.20", "An ordered pair has one live relation; both directions may stand side by side."),
    ("4.21", "A resident has no account and gives nothing, but may use."),
    ("4.22", "A quota received is not the beneficiary's money: it is not given on."),
    ("4.23", "A donor spends no more of the own account than is available."),
    ("4.24", "A transfer ends all relations first; holds, arrears and a frozen account stand against it."),
    (
        "4.25",
        "Stopped insurance ends no relation, but freezes nothing new, unless the policy lets it; a termination ends all.",
    ),
    (
        "4.26",
        "A change between employee and resident insurance ends the relations, from resident to employee unless the policy says otherwise.",
    ),
    (
        "4.27",
        "A death ends all relations and freezes the account; what is in it goes to the estate, later refunds too.",
    ),
    ("4.28", "No event of the family ends a relation by itself: either party does."),
    ("4.29", "A retiree may give; the insurance is not transferred."),
    (
        "4.30",
        "Working days come from the published calendar and count from the day after acceptance; what is overdue is an alarm.",
    ),
    ("4.31", "All amounts are whole fen; only a printed report is rounded, half up."),
    ("4.32", "An amount is from 1 fen to 9,999,999,999,999,999 fen; sums are wider."),
    ("4.33", "A premium is paid once a person, kind and year, to the beneficiary's area."),
    ("4.34", "Obligations are kept gross per ordered pair of areas; net positions are a view."),
    ("4.35", "A month is one of +08:00, by the time of the log entry."),
    ("4.36", "What comes late counts in the month in which it comes."),
    (
        "4.37",
        "A fund that is used up is an alarm; donors are passed over only if the policy wants a hard stop.",
    ),
    ("4.38", "A suspension stops new spending and offers; refunds and releases go on."),
    ("4.39", "Money leaves for a bank account for four reasons only, never at will."),
    ("4.40", "Nothing but shares at designated institutions and the two premiums can be paid for."),
    ("4.41", "A request id is good for one effect; the same id with other content is refused."),
    ("4.42", "Amounts count in the donor's province; the beneficiary's is a second dimension."),
    (
        "4.43",
        "One settlement or premium with mutual aid is one count, however many donors; only a refund of all the aid takes it back.",
    ),
    ("4.44", "Both premiums make the line of premiums; unknown services the line of others."),
    ("4.45", "Persons are opaque ids, and are never printed whole."),
];

/// Where several readings were possible.
pub const RULINGS: &[(&str, &str)] = &[
    (
        "5b.1",
        "What areas owe includes own accounts used elsewhere and the lines that follow an account to its new place, each under the use of the leg.",
    ),
    ("5b.2", "An offer returns at the first 06:00 (+08:00) after it was made."),
    (
        "5b.3",
        "A request id is too old by its own time, too early by its own time, and remembered in between; what is remembered wins over every other check.",
    ),
    (
        "5b.4",
        "Openness counts between provinces only: for quotas of both parties' areas, for spending of the donor's and the payee's; a donor who is closed is skipped and named.",
    ),
    (
        "5b.5",
        "A caller reverses the own earlier request: payments and refunds are undone, holds voided, what has not arrived is kept out.",
    ),
    (
        "5b.6",
        "The agency says where an insurance stands; from the application to its end a transfer closes the account to offers and spending.",
    ),
    ("5b.7", "What expires is unusable from its instant; its money is back with the next tick."),
    (
        "5b.8",
        "A move inside the province leaves account, relations and quotas; the new area pays from then on.",
    ),
    (
        "5b.9",
        "Caps, closed hours and offers that wait are the pilot's, not the nation's; a day is one of +08:00, and every raise counts.",
    ),
    (
        "5b.10",
        "A relation has one expiry: replaced by a new one, left where none is given, cleared on request.",
    ),
    (
        "5b.11",
        "A refund is of the personal share: cash first, then the last leg; a hold confirmed in part keeps its first part.",
    ),
    ("5b.12", "A refund to the account leaves the figures of the relation as they were."),
    (
        "5b.13",
        "A refund while a balance is under way travels with it; the line to the new place is posted when the case completes, never when it fails.",
    ),
    (
        "5b.14",
        "After a death offers and unused quotas return at once, held parts when they resolve, and the estate is paid, again if more comes in.",
    ),
    (
        "5b.15",
        "A leg counts in its own scope and its donor's province; a payment in its widest scope and the province of its largest leg.",
    ),
    (
        "5b.16",
        "Months close in turn from that of genesis; lines are confirmed by both, advanced from the payer's fund, and paid in parts or whole.",
    ),
    (
        "5b.17",
        "A proposal blocks another of its pair, lapses, may be withdrawn, ends with the insurance, and is checked again on acceptance.",
    ),
    ("5b.18", "Kinship is compared with what is live or pending the other way round, nothing older."),
    ("5b.19", "The sequence of a relation counts acceptances."),
    (
        "5b.20",
        "A suspended donor's quotas are skipped while it lasts; a suspended person may decline, reduce, release and be refunded.",
    ),
    (
        "5b.21",
        "The resident premium is for residents, long-term care for either where the area has it; a tariff is met exactly.",
    ),
    ("5b.22", "Everybody has one insurance at a time; money left at the old place needs a transfer."),
    ("5b.23", "A payout needs its reason on record, and no open case."),
    (
        "5b.24",
        "What nothing covers is done in cash, unless all or nothing was asked, and counts for nothing.",
    ),
    ("5b.25", "Effective dates are not in the past; an unset scope is narrow; a year ends on the same date."),
    (
        "5b.26",
        "Everybody asks what the table below lists, and hears the same of what is another's and of what does not exist.",
    ),
    (
        "5b.27",
        "An expired quota needs a new expiry; a closed payee area skips donors of other provinces; lines inside a province get no advance; an estate is paid whole.",
    ),
];

/// What can be asked, and what happens by itself.
pub const CALLS: &[(&str, &str)] = &[
    ("5.Genesis", "The ledger begins, once."),
    ("5.RegisterProvince", "A province joins, or its scope of kinship changes at a date."),
    ("5.RegisterArea", "A pooling area joins, once, after its province."),
    ("5.SetAreaOpen", "An area opens at a date, and perhaps closes at a later one."),
    ("5.SetPolicy", "Parameters change at a date, each within its range."),
    ("5.SetTariff", "An area says what a premium of a year costs, from a date on."),
    ("5.SetCalendar", "The nation publishes holidays and worked weekends of a year."),
    ("5.RegisterInstitution", "An institution is designated, or opens and closes its wallet."),
    ("5.EnrolPerson", "A person is enrolled; an employee gets an account."),
    ("5.CreditAccount", "Contributions and interest are booked."),
    ("5.SetInsuranceStatus", "An insurance is normal, stopped, in arrears or frozen."),
    ("5.SetRetired", "A person is retired, or in work."),
    ("5.TerminateInsurance", "An insurance ends, and all relations with it."),
    ("5.RegisterDeath", "A death ends relations and any open case."),
    ("5.Payout", "A balance is paid to a bank account."),
    ("5.MoveWithinProvince", "An insurance moves inside its province."),
    (
        "5.TransferInsurance",
        "An insurance is transferred: applied for, accepted, sent, received, completed; or abandoned, or failed.",
    ),
    ("5.SuspendParty", "A person or an institution is suspended."),
    ("5.LiftSuspension", "A suspension is lifted."),
    ("5.ActivateWallet", "A wallet is activated; without it nobody becomes party to a relation, or pays."),
    (
        "5.DeactivateWallet",
        "A wallet is closed; what there is stays, and nothing new is agreed, frozen or paid.",
    ),
    ("5.ProposeRelation", "Either party proposes a relation."),
    ("5.AcceptRelation", "The other party accepts."),
    ("5.DeclineRelation", "The other party declines, or the proposer withdraws."),
    ("5.SetQuota", "The donor freezes more for a relation, at once or as an offer."),
    ("5.AcceptOffer", "The beneficiary accepts an offer."),
    ("5.DeclineOffer", "The beneficiary declines an offer, or the donor withdraws it."),
    ("5.ExpireOffer", "An offer returns by itself."),
    ("5.ReduceQuota", "The donor takes back what is unused."),
    ("5.SetPriority", "The beneficiary orders the donors."),
    ("5.ReleaseRelation", "Either party ends the relation."),
    (
        "5.AutoRelease",
        "A transfer, termination, death or change of insurance ends all relations of a person.",
    ),
    ("5.AuthoriseSpend", "Money for a share is held, on the patient's own credential."),
    ("5.ConfirmSpend", "What is held is paid, whole or in part."),
    ("5.VoidSpend", "What is held goes back, on request or when its time is out."),
    ("5.Settle", "A share is authorised and confirmed in one."),
    ("5.PayPremium", "A premium is paid like a share."),
    ("5.Refund", "A payment is given back, in part or whole."),
    ("5.Reverse", "An earlier request is undone, whatever became of it."),
    ("5.FundPrepayment", "A province pays into its fund."),
    ("5.AdjustPrepayment", "The size of a fund is agreed; what is above goes back."),
    ("5.ClosePeriod", "A month is frozen, and becomes lines."),
    ("5.ConfirmClearing", "A province confirms a line by its exact amount."),
    ("5.DisputeClearing", "A province notes what is wrong with a line."),
    ("5.PayClearing", "The payer's province pays a line."),
    ("5.Reconcile", "A day is reconciled by totals and rows."),
    ("5.Report", "The cumulative report is summed up from the months."),
    ("5.Tick", "What has run out is swept, a bounded number at a time."),
];

/// Rules that no script can fix: the file and the test that does.
pub const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("4.31", "statistics.rs", "figures_are_rounded_half_up_to_two_decimals"),
    ("4.45", "audit.rs", "a_digest_that_was_not_kept_is_found_and_persons_print_masked"),
];
