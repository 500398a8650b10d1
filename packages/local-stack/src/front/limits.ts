/** Limits of an API Gateway HTTP API, from its documentation, and those of one machine. */

/** API Gateway: longest wait for an integration. */
export const INTEGRATION_TIMEOUT_MS = 30_000;
/** API Gateway: body of a request. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** API Gateway: request line and headers together. */
export const MAX_HEADER_BYTES = 10_240;
/** What Node reads before it gives up; over API Gateway's limit, so that the answer can say what was too large. */
export const PARSER_HEADER_BYTES = 32 * 1024;
/** Part of the above for the address: RFC 9110 asks for 8,000 at least. */
export const MAX_URL_BYTES = 8_192;
/** A client that sends its request more slowly than this holds a connection for nothing. */
export const REQUEST_TIMEOUT_MS = 30_000;
export const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than a client's own limit of usually 60 s, so that it is the client who closes an idle connection. */
export const KEEP_ALIVE_MS = 65_000;
/** AWS has a thousand environments where one machine has a few: a burst waits for them before it is refused. */
export const THROTTLE_WAIT_MS = 10_000;
