//! Messages between nodes end with a CRC-32 of themselves.
//!
//! TCP's own checksum lets some damage through, and what is damaged on the way between nodes is believed by both: a vote, the
//! place of an entry. Service `Peer` is generated with this codec; `Ledger`, `Query` and `Cluster` are plain gRPC.

use prost::Message;
use prost::bytes::{Buf, BufMut};
use std::marker::PhantomData;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Protobuf, and four bytes behind it: its CRC-32, little-endian.
#[derive(Clone, Copy, Debug)]
pub struct Checked<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Checked<T, U> {
    fn default() -> Self {
        Checked(PhantomData)
    }
}

impl<T, U> Codec for Checked<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = Half<T>;
    type Decoder = Half<U>;

    fn encoder(&mut self) -> Half<T> {
        Half(PhantomData)
    }

    fn decoder(&mut self) -> Half<U> {
        Half(PhantomData)
    }
}

/// One direction of it.
#[derive(Clone, Copy, Debug)]
pub struct Half<T>(PhantomData<T>);

impl<T: Message> Encoder for Half<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let bytes = item.encode_to_vec();
        to.put_slice(&bytes);
        to.put_u32_le(crc32fast::hash(&bytes));
        Ok(())
    }
}

impl<T: Message + Default> Decoder for Half<T> {
    type Item = T;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<T>, Status> {
        let mut bytes = from.copy_to_bytes(from.remaining());
        checked(&mut bytes).map(Some)
    }
}

/// The message, if the bytes are what was sent.
fn checked<T: Message + Default>(bytes: &mut prost::bytes::Bytes) -> Result<T, Status> {
    let damaged =
        |what: &str| Status::data_loss(format!("a message between nodes was damaged on its way: {what}"));
    let length = bytes.len().checked_sub(4).ok_or_else(|| damaged("it is too short"))?;
    let message = bytes.split_to(length);
    if bytes.get_u32_le() != crc32fast::hash(&message) {
        return Err(damaged("its checksum does not match"));
    }
    T::decode(message).map_err(|problem| Status::internal(problem.to_string()))
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{PeerHeader, VoteRequest};
    use prost::bytes::Bytes;

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let header = PeerHeader { cluster: Bytes::from_static(&[7; 16]), from: 11_000_001, to: 32_000_001 };
        let sent = VoteRequest { header: Some(header), body: Bytes::from_static(b"a vote") };
        let mut bytes = sent.encode_to_vec();
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let read = |bytes: &[u8]| checked::<VoteRequest>(&mut Bytes::copy_from_slice(bytes));
        assert_eq!(read(&bytes).expect("whole"), sent);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
