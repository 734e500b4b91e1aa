//! One builder a verb, by who asks. Ids and codes are texts; the server checks them and names the field that is wrong.

mod agency;
mod clearing;
mod governance;
mod institution;
mod person;
