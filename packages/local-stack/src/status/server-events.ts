/** Server-sent events (the HTML standard's text/event-stream), as far as they are needed: names and data. */

export interface ServerEvent {
  /** `message` where it has none. */
  readonly name: string;
  readonly data: string;
}

/** A minute of samples is 60 kB; what is longer is not ours. */
const MAX_EVENT_LENGTH = 4_000_000;
const END_OF_EVENT = /\r\n\r\n|\n\n|\r\r/;

/** The events of a body, each as soon as it is whole. Throws where one is too long. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = END_OF_EVENT.exec(text); end; end = END_OF_EVENT.exec(text)) {
      const event = parseEvent(text.slice(0, end.index));
      text = text.slice(end.index + end[0].length);
      if (event) yield event;
    }
    if (text.length > MAX_EVENT_LENGTH) throw new Error('An event of the stream is too long.');
  }
}

/** undefined: nothing but comments and fields of the connection. */
function parseEvent(block: string): ServerEvent | undefined {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { name, data: data.join('\n') };
}
