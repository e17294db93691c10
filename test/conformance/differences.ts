/**
 * Where ciliate-proxy answers otherwise than Envoy on purpose. A case names its entry, both answers are recorded, and a case whose
 * answers agree after all fails: then the entry goes. Each entry stands in docs/divergence.md.
 */
export const differences: Readonly<Record<string, string>> = {
  'admin-paths':
    'the admin interface lists the paths that there are: profilers, heap dumps and lookup tracking are not among them',
  'error-states':
    '/config_dump tells once what was refused of a listener, with its version, and also of clusters, routes and filters: Envoy tells it of listeners, without the version, twice',
  'http1-bare-cr-or-lf':
    'a CR or LF that is not part of a CRLF is refused (a request with 400, a response with 502): Envoy ends lines at any LF and drops a CR',
  'http1-folded-field': 'a field that goes on in the next line is refused: Envoy unfolds it',
  'http1-chunk-syntax':
    'chunks are read by the grammar to the letter: Envoy takes white space and words after a size, and bytes after the data',
  'http1-status-below-100': 'a response with a status below 100 is refused with 502: Envoy passes it on',
  'failed-upgrade':
    'an upgrade that failed is told so without `upgrade` and `connection`, and its connection ends: Envoy passes them on and waits for more',
  'late-answer-to-unreadable':
    'a client whose request cannot be read is answered also where a filter has the answer wait: Envoy ends the connection without it',
  'http1-host':
    'a Host that is repeated or not a host with a port of digits is refused with 400: Envoy looks at its characters only',
  'http2-goaway':
    'a client or host that breaks HTTP/2 is told by GOAWAY with the error, and the connection ends: Envoy says nothing, and waits for a second where it is a client',
  'http2-flood':
    'a client that sends more frames of a kind than allowed is cut off at once: Envoy reads nothing more of it, and waits for a second',
  'http2-drained-connection':
    'a connection to a host that ends with its last request, after a GOAWAY or at a limit, counts for no protocol error: Envoy counts one where the end comes inside a read',
  'http2-settings':
    'what custom_settings_parameters say of the table, streams, windows and frames holds, and is refused where HTTP/2 does not allow it: Envoy sends its default behind it, and cuts off frames as large as it allowed',
  'http2-errors': 'what RFC 9113 makes an error of a stream ends the stream: some of that ends the connection in Envoy',
  'answer-without-details': 'an answer of a filter that gives no details is logged as `-`: Envoy logs nothing there',
  'chunked-response-head':
    'an ext_proc server is not shown `transfer-encoding` of a response that came over HTTP/1.1: Envoy shows it',
  'filter-answer-frame':
    "what a filter's server says of the frame of a message (`content-length`, `transfer-encoding`, `connection`) is passed over: Envoy sends it",
  'filter-answer-head':
    'fields of the request line and `host` that a rate limit service adds are passed over: Envoy has several of them then',
  'filter-answer-invalid':
    "what a filter's server adds and no header may hold, or a path with a space, is refused whether mutations are validated or not: Envoy sends it or ends with a fault",
  'filter-mistakes':
    'a filter or tracer without a server to ask, a tag of no kind of metadata, with a format that is none or with waits that end before they begin is refused when it is read: Envoy takes it and fails at requests',
  'tls-name-case':
    'a certificate is found by the name that a client asks for whatever its case: Envoy compares letter by letter',
  'tls-required-of-nobody':
    'a client certificate that is required must be shown also where nothing says how it is verified: Envoy does not ask for it then',
  'tls-mistakes': 'revocation lists that are none are refused: Envoy passes them over',
  'jwt-json':
    'the JSON of tokens and key sets is that of RFC 8259: Envoy takes single quotes and commas before an end, too',
  'h2m-mistakes':
    'a rule for what cannot be a header name, one that takes path or host out of a request, and a rewrite of what is missing are refused: Envoy takes them',
  'typed-metadata': 'typed dynamic metadata is refused by name: nothing here could read it',
  'oauth-answers':
    'what a token endpoint or a cookie said is not told in logs, and no login comes of tokens that are no text: Envoy tells all of it, and logs in without a token',
  'jwt-uri':
    'a URI of keys whose host has a user before it or a query right behind it is refused: Envoy takes both for parts of the name',
  'proxy-protocol-scope':
    'an IPv6 address with a scope in a header of the PROXY protocol is refused: Envoy takes the number for an interface of its own machine',
  'grpc-web-text':
    'grpc_web writes the text of a message as its bytes come: Envoy keeps it until all of it is there, and drops it where that never is',
  'span-not-utf8':
    'bytes of a header that are no UTF-8 are replaced (U+FFFD) in spans and log records: Envoy drops all spans that it sends with them over gRPC, and writes spaces in JSON',
  'zipkin-protobuf-ids':
    "ids of spans in Zipkin's protobuf are those of the headers: Envoy writes their bytes the last first, so that nobody else's spans fit them",
  'grpc-status-text':
    'grpc_stats counts a status that is no number of up to five digits as a failure without a counter of its name',
  'zstd-bomb':
    'zstd that becomes more than 100 times as long, piece by piece, is cut off and counted as an error, as that of the other libraries is: Envoy unpacks it',
  'broken-compression':
    'of a body that turns out broken, what stands before the fault in the same chunk of output is not sent',
  'service-message-limit':
    "a message of a filter's gRPC server that says it is longer than 4 MiB is an error at once: Envoy keeps what comes of it until the time is up",
  'decompressor-trailers':
    "trailers of a decompressor have the name of its own library: Envoy's have that of the first one of the process",
};
