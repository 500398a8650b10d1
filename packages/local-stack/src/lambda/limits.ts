/** Lambda's own limits, as its documentation gives them, and the few that only exist on one machine. */

/** Lambda: request and response of a synchronous invocation. */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** What Lambda's own message says: the payload and 100 bytes of its envelope. */
export const MAX_RESPONSE_BYTES = MAX_PAYLOAD_BYTES + 100;
/** Lambda: request of an asynchronous invocation. */
export const MAX_EVENT_BYTES = 1024 * 1024;
/** Lambda: how long code outside of the handler may run. */
export const INIT_TIMEOUT_MS = 10_000;
/** Lambda: how much of the log `X-Amz-Log-Result` carries. */
export const LOG_TAIL_BYTES = 4096;
/** Lambda: attempts after the first at an asynchronous invocation that failed. */
export const EVENT_RETRIES = 2;

/** Lambda waits one and two minutes; nobody at a terminal waits that long to see a retry. */
export const EVENT_RETRY_DELAYS_MS: readonly number[] = [1_000, 2_000];
/** Asynchronous invocations that wait or run, a function. Lambda keeps far more, on disks of its own. */
export const MAX_QUEUED_EVENTS = 1_000;
/** Environments of one function. Each is a process of about 80 MB, so not the thousand that an account has. */
export const MAX_ENVIRONMENTS = 8;
/** Calls that wait for an environment, a function; more are throttled at once. */
export const MAX_WAITING_CALLS = 1_000;
/** Lambda lets an idle environment go after some minutes, and promises no figure. */
export const ENVIRONMENT_IDLE_MS = 10 * 60_000;
/** A runtime asks for the next event a moment after it has answered; a second environment is not started for that. */
export const FINISHING_WAIT_MS = 20;
