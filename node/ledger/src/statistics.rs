//! The published report (domain.md 1.10), summed up from the tallies of its months.
