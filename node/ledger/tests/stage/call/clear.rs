//! Clearing and prepayment funds.

use super::super::Stage;
use super::super::names::{Result, area, month, province};
use super::{Args, Known, choice, fen, file, number, take};
use ledger::command::DisputeReason;
use ledger::{Area, Call, Caller, Month, Sum};

const DISPUTES: &[(&str, DisputeReason)] = &[
    ("sum", DisputeReason::SumDiffers),
    ("unknown", DisputeReason::SettlementUnknown),
    ("twice", DisputeReason::CountedTwice),
    ("other", DisputeReason::Other),
];

pub fn call(_: &mut Stage, verb: &str, args: &mut Args<'_>) -> Known {
    let known = match verb {
        "close" => (Caller::National, Call::ClosePeriod { month: month(take(args, "month")?)? }),
        "confirm-line" => {
            let (month, payer, payee) = line(args)?;
            let amount = Sum::new(number(take(args, "amount")?)?);
            (Caller::Province(payer.province()), Call::ConfirmClearing { month, payer, payee, amount })
        }
        "dispute-line" => {
            let (month, payer, payee) = line(args)?;
            let reason = choice(DISPUTES, args.remove("reason").unwrap_or("sum"))?;
            let file = file(args.remove("file").unwrap_or("F-1"))?;
            let call = Call::DisputeClearing { month, payer, payee, reason, file };
            (Caller::Province(payer.province()), call)
        }
        "pay-line" => {
            let (month, payer, payee) = line(args)?;
            let amount = fen(take(args, "amount")?)?;
            (Caller::Province(payer.province()), Call::PayClearing { month, payer, payee, amount })
        }
        "fund" => {
            let province = province(take(args, "province")?)?;
            let amount = fen(take(args, "amount")?)?;
            (Caller::Province(province), Call::FundPrepayment { province, amount })
        }
        "adjust-fund" => {
            let province = province(take(args, "province")?)?;
            (Caller::National, Call::AdjustPrepayment { province, size: fen(take(args, "size")?)? })
        }
        _ => return Ok(None),
    };
    Ok(Some(known))
}

fn line(args: &mut Args<'_>) -> Result<(Month, Area, Area)> {
    Ok((month(take(args, "month")?)?, area(take(args, "payer")?)?, area(take(args, "payee")?)?))
}
