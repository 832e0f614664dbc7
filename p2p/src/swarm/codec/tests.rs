//! Frames over a pipe: what is written is read, and what lies about its length is refused.

use proptest::prelude::*;
use tokio::io::{DuplexStream, duplex};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::*;
use chunker::ShardId;

use crate::Refusal;

type Pipe = Compat<DuplexStream>;

fn pipe(room: usize) -> (Pipe, Pipe) {
    let (near, far) = duplex(room);
    (near.compat(), far.compat())
}

fn put(body: Vec<u8>) -> Request {
    Request::Put { shard: ShardId::from(blake3::hash(&body)), body: body.into() }
}

async fn send(pipe: &mut Pipe, request: Request) -> Result<(), CodecError> {
    let (header, body) = request.split();
    write_frame(pipe, &header.encode(), &body, None).await
}

async fn receive(pipe: &mut Pipe) -> Result<Request, CodecError> {
    match read_question(pipe, HEADER_LIMIT, None).await? {
        Question::Known(header) => read_request(pipe, header, None).await,
        Question::Unknown { .. } => panic!("a request of our own is known"),
    }
}

/// What comes of reading these bytes, and then nothing more.
async fn question_in(bytes: &[u8]) -> Result<Question, CodecError> {
    let (mut near, mut far) = pipe(1 << 20);
    far.write_all(bytes).await.unwrap();
    drop(far);
    read_question(&mut near, HEADER_LIMIT, None).await
}

fn framed(header: &[u8]) -> Vec<u8> {
    [&(header.len() as u32).to_be_bytes(), header].concat()
}

#[tokio::test]
async fn requests_follow_each_other_on_one_stream() {
    let (mut near, mut far) = pipe(1000);
    let requests = [Request::HeadGet, put(vec![5; 700_000]), put(Vec::new()), Request::HeadGet];
    let sent = requests.clone();
    let sending = async {
        for request in sent {
            send(&mut far, request).await.unwrap();
        }
        drop(far);
    };
    let receiving = async {
        for request in requests {
            assert_eq!(receive(&mut near).await.unwrap(), request);
        }
        assert!(matches!(receive(&mut near).await, Err(CodecError::Ended)));
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn a_header_longer_than_allowed_is_refused_by_its_length() {
    let lie = [&u32::MAX.to_be_bytes()[..], &[0; 8]].concat();
    let refused = question_in(&lie).await;
    assert!(matches!(refused, Err(CodecError::HeaderTooLarge { .. })));
}

#[tokio::test]
async fn a_body_longer_than_allowed_is_refused_by_its_length() {
    let (mut header, _) = put(vec![1]).split();
    header.body_len = BODY_LIMIT as u32 + 1;
    let refused = question_in(&framed(&header.encode())).await;
    assert!(matches!(refused, Err(CodecError::BodyTooLarge { .. })));
}

#[tokio::test]
async fn a_body_where_none_belongs_is_refused() {
    let header = RequestHeader { request: Request::HeadGet, body_len: 1 };
    let (mut near, _far) = pipe(100);
    let refused = read_request(&mut near, header, None).await;
    assert!(matches!(refused, Err(CodecError::UnexpectedBody)));
}

#[tokio::test]
async fn a_request_of_a_later_version_is_recognized_with_its_body() {
    // CBOR: {"request": "Levitate", "body_len": 3}
    let later = b"\x01\xa2\x67request\x68Levitate\x68body_len\x03";
    let question = question_in(&framed(later)).await.unwrap();
    assert!(matches!(question, Question::Unknown { body_len: 3 }));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_stops_half_way_times_out() {
    let (mut near, mut far) = pipe(1 << 20);
    far.write_all(&[0, 0]).await.unwrap();
    assert!(matches!(receive(&mut near).await, Err(CodecError::Slow)));

    let (mut near, mut far) = pipe(1 << 20);
    let (header, _) = put(vec![1; 1000]).split();
    far.write_all(&framed(&header.encode())).await.unwrap();
    assert!(matches!(receive(&mut near).await, Err(CodecError::Slow)));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_reading_times_the_writer_out() {
    let (mut near, _far) = pipe(1000);
    assert!(matches!(send(&mut near, put(vec![1; 2000])).await, Err(CodecError::Slow)));
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_rest_between_frames() {
    let (mut near, mut far) = pipe(1000);
    let sending = async {
        tokio::time::advance(Duration::from_hours(9)).await;
        send(&mut far, Request::HeadGet).await.unwrap();
    };
    let (received, ()) = tokio::join!(receive(&mut near), sending);
    assert_eq!(received.unwrap(), Request::HeadGet);
}

#[tokio::test]
async fn a_reply_brings_its_body_back() {
    let (mut near, mut far) = pipe(1000);
    let reply = Reply::Shard { body: vec![9; 300_000].into() };
    let (header, body) = reply.clone().split();
    let bytes = header.encode();
    let (sent, received) = tokio::join!(
        write_frame(&mut far, &bytes, &body, None),
        read_reply(&mut near, Duration::from_secs(1), None)
    );
    sent.unwrap();
    assert_eq!(received.unwrap(), reply);

    let lie = ReplyHeader { reply: Reply::Refused(Refusal::Busy), body_len: 1 };
    far.write_all(&framed(&lie.encode())).await.unwrap();
    let refused = read_reply(&mut near, Duration::from_secs(1), None).await;
    assert!(matches!(refused, Err(CodecError::UnexpectedBody)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_body_of_any_length_arrives_whole(len in 0_usize..600_000, room in 1_usize..70_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let request = put((0..len).map(|at| (at % 251) as u8).collect());
        let received = runtime.block_on(async {
            let (mut near, mut far) = pipe(room);
            let (sent, received) =
                tokio::join!(send(&mut far, request.clone()), receive(&mut near));
            sent.unwrap();
            received.unwrap()
        });
        prop_assert_eq!(received, request);
    }

    #[test]
    fn no_bytes_make_the_reader_fail_otherwise_than_by_an_error(bytes: Vec<u8>, framing: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let bytes = if framing { framed(&bytes) } else { bytes };
        drop(runtime.block_on(question_in(&bytes)));
    }
}
