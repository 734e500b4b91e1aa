//! What an amount can be paid with: own account, quotas in the beneficiary's order, cash. The same for a settlement, an
//! authorisation and a premium.
