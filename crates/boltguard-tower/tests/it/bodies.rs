//! Bodies of responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Body, authenticated, jwt, layer, request, send};

/// A stream of frames, the last of which has trailers.
struct Stream(Vec<Frame<Bytes>>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready((!self.0.is_empty()).then(|| Ok(self.0.remove(0))))
    }
}

#[tokio::test]
async fn stream_is_passed_on_frame_by_frame() {
    let handler = service_fn(async |_: Request<Body>| {
        let trailers = HeaderMap::from_iter([(http::header::AGE, 7.into())]);
        let frames = vec![
            Frame::data(Bytes::from_static(b"one")),
            Frame::data(Bytes::from_static(b"two")),
            Frame::trailers(trailers),
        ];
        Ok::<_, Infallible>(Response::new(Stream(frames)))
    });
    let service = layer(jwt(), "authenticated").layer(handler);
    let mut body = service.oneshot(authenticated()).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), None);
    let mut data = Vec::new();
    let trailers = loop {
        assert!(!body.is_end_stream());
        match body.frame().await.unwrap().unwrap().into_data() {
            Ok(bytes) => data.push(bytes),
            Err(frame) => break frame.into_trailers().unwrap(),
        }
    };
    assert_eq!(data, ["one", "two"]);
    assert_eq!(trailers["age"], "7");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn body_of_a_refusal_has_its_length() {
    let mut body = send(&layer(jwt(), "authenticated"), request(&[]))
        .await
        .into_body();
    let length = body.size_hint().exact().unwrap();
    assert!(!body.is_end_stream());
    let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(u64::try_from(data.len()).unwrap(), length);
    assert!(body.is_end_stream());
    assert_eq!(SizeHint::with_exact(0).exact(), body.size_hint().exact());
    assert!(body.frame().await.is_none());
}
