/** A line that never ends must not fill the memory. */
const MAX_LINE_BYTES = 256 * 1024;

/** Whole lines of what comes in pieces. */
export function lineWriter(write: (line: string) => void): (text: Buffer) => void {
  let open = Buffer.alloc(0);
  return (text) => {
    open = Buffer.concat([open, text]);
    const end = open.lastIndexOf('\n');
    if (end < 0 && open.length < MAX_LINE_BYTES) return;
    const whole = end < 0 ? open : open.subarray(0, end);
    open = end < 0 ? Buffer.alloc(0) : open.subarray(end + 1);
    for (const line of whole.toString('utf8').split('\n')) write(line);
  };
}
