use super::*;
use std::os::unix::net::UnixListener;

/// Gives each connection the next of `answers`.
fn serve(folder: &Path, answers: Vec<Vec<u8>>) -> (PathBuf, std::thread::JoinHandle<Vec<String>>) {
    let socket = folder.join("sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let thread = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = Vec::new();
            while !question.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                question.extend(byte);
            }
            let question = String::from_utf8(question).unwrap();
            asked.push(question.lines().next().unwrap().to_owned());
            // A client that has heard enough goes away.
            drop(stream.write_all(&answer));
        }
        asked
    });
    (socket, thread)
}

fn options(folder: &Path) -> SocketOptions {
    SocketOptions { spool: folder.to_owned(), archive: 1 << 20, silence: Duration::from_secs(60) }
}

fn ask(answers: Vec<Vec<u8>>) -> (Result<Option<Vec<Image>>, SourceError>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (socket, thread) = serve(folder.path(), answers);
    let result = images(&socket, "a b/c:1", &PlatformChoice::Host, &options(folder.path()));
    (result, thread.join().unwrap())
}

const CONFIG: &str = r#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#;

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let manifest = r#"[{"Config":"c.json","RepoTags":["x:1"],"Layers":[]}]"#;
    for (name, text) in [("c.json", CONFIG), ("manifest.json", manifest)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn inspected(id: BlobDigest) -> Vec<u8> {
    let body = format!("{{\"Id\":\"{id}\"}}");
    format!("HTTP/1.1 200 OK\r\ncontent-LENGTH: {}\r\n\r\n{body}and more", body.len()).into_bytes()
}

fn id() -> BlobDigest {
    BlobDigest(plimsoll_model::digest::Digest::of(CONFIG.as_bytes()))
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(1000) {
        answer.extend(format!("{:X};note=1\r\n", chunk.len()).bytes());
        answer.extend(chunk);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\n\r\n");
    answer
}

#[test]
fn an_image_comes_in_chunks_or_until_the_end() {
    let mut closing = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
    closing.extend(archive());
    for answer in [chunked(&archive()), closing] {
        let (images, asked) = ask(vec![inspected(id()), answer]);
        let images = images.unwrap().unwrap();
        assert_eq!((images[0].config_digest, images[0].name.as_str()), (Some(id()), "a b/c:1"));
        assert_eq!(asked, ["GET /images/a%20b/c:1/json HTTP/1.1", "GET /images/a%20b/c:1/get HTTP/1.1"]);
    }
}

#[test]
fn no_daemon_and_no_image_are_none() {
    let (images, _) = ask(vec![b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()]);
    assert!(images.unwrap().is_none());
    let folder = tempfile::tempdir().unwrap();
    for name in ["", "/", "../containers/x", "a//b"] {
        let (socket, host) = (Path::new("/"), PlatformChoice::Host);
        assert!(super::images(socket, name, &host, &options(folder.path())).unwrap().is_none(), "{name}");
    }
    let nobody = super::images(&folder.path().join("s"), "x", &PlatformChoice::Host, &options(folder.path()));
    assert!(nobody.unwrap().is_none());
}

#[test]
fn the_daemon_s_words_are_passed_on() {
    let body = r#"{"message":"it hurts"}"#;
    let answer = format!("HTTP/1.1 500 Oh\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let error = ask(vec![answer.into_bytes()]).0.unwrap_err().to_string();
    assert!(error.contains("500") && error.contains("it hurts"), "{error}");
}

#[test]
fn another_image_than_asked_for_is_an_error() {
    let other = BlobDigest(plimsoll_model::digest::Digest::of(b"other"));
    assert!(ask(vec![inspected(other), chunked(&archive())]).0.is_err());
}

#[test]
fn malformed_answers_are_errors() {
    let long = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; 100_000]].concat();
    let heads: [&[u8]; 9] = [
        b"",
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        &long,
    ];
    for head in heads {
        assert!(ask(vec![head.to_vec()]).0.is_err(), "{:?}", String::from_utf8_lossy(head));
    }
    let whole = chunked(&archive());
    for len in (60..whole.len() - 5).step_by(499) {
        assert!(ask(vec![inspected(id()), whole[..len].to_vec()]).0.is_err(), "{len}");
    }
    for chunk in ["+5\r\n12345\r\n", "FFFFFFFFFFFFFFFFF\r\n", "\r\n", "1\r\n12\r\n"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
        assert!(ask(vec![inspected(id()), answer.into_bytes()]).0.is_err(), "{chunk}");
    }
}

#[test]
fn more_than_the_limit_is_refused() {
    let answer = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![0; 2 << 20]].concat();
    let error = ask(vec![inspected(id()), answer]).0.unwrap_err().to_string();
    assert!(error.contains("larger"), "{error}");
}
