/** Finds the commands in what a client of Valkey sends: `*<n>`, then n times `$<bytes>` and the bytes. */
export function commandCounter(onCommand: (name: string) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let command = readCommand(rest); command; command = readCommand(rest)) {
      onCommand(command.name);
      rest = rest.subarray(command.end);
    }
  };
}

function readCommand(bytes: Buffer): { readonly name: string; readonly end: number } | undefined {
  let at = 0;
  const readNumber = (): number | undefined => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const value = Number(bytes.toString('latin1', at + 1, end));
    at = end + 2;
    return value;
  };
  const parts = readNumber();
  if (parts === undefined) return undefined;
  let name = '';
  for (let part = 0; part < parts; part++) {
    const length = readNumber();
    if (length === undefined || bytes.length < at + length + 2) return undefined;
    if (part === 0) name = bytes.toString('latin1', at, at + length).toUpperCase();
    at += length + 2;
  }
  return { name, end: at };
}
