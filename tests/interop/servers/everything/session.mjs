// One client's session: its tools, and what they need to know of its connections.
import { z } from 'zod';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { CreateMessageResultSchema, ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { large } from './large.mjs';
import { moment, until } from './moment.mjs';

const text = (words) => ({ content: [{ type: 'text', text: String(words) }] });

export class Session {
  #stream = moment('the stream for what belongs to no request');
  #cancellation = moment('a cancellation');
  #confirmation = moment('the client to have seen it all');
  // The answers that are being written to requests.
  #answers = new Set();

  // A transport of streams that nobody can come back to has no tool that loses one, nor an answer too long for one event.
  constructor(transport, isGood, { canResume }) {
    this.transport = transport;
    const server = this.#server(isGood);
    if (canResume) this.#offerMore(server);
    this.connected = server.connect(transport);
  }

  // Somebody listens to the stream that belongs to no request.
  listen() {
    this.#stream.happen();
  }

  // Keeps an answer in sight, so that a tool can tear it.
  watch(res) {
    this.#answers.add(res);
    res.on('close', () => this.#answers.delete(res));
  }

  // Ends the connection whose answer has these words in it, as soon as they have gone out, in the middle of the answer.
  #tearAfter(words) {
    const torn = moment('the words after which to tear');
    for (const res of this.#answers) {
      const write = res.write;
      res.write = (chunk, ...rest) => {
        const written = write.call(res, chunk, ...rest);
        if (Buffer.from(chunk).includes(words)) {
          res.socket?.destroySoon();
          torn.happen();
        }
        return written;
      };
    }
    return torn;
  }

  // Clients may hand on what came at one time in another order: who confirms has seen all that came before the answer.
  async #confirmed(wanted) {
    if (!wanted) return;
    await this.#confirmation.wait();
    this.#confirmation = moment('the client to have seen it all');
  }

  #server(isGood) {
    const server = new McpServer({ name: 'interop-everything', version: '1.0.0' }, { capabilities: { logging: {} } });

    server.registerTool('add', { description: 'Adds two numbers', inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => text(a + b));

    const count = { to: z.number(), confirmed: z.boolean() };
    server.registerTool('count', { description: 'Counts, and tells how far it is', inputSchema: count }, async ({ to, confirmed }, extra) => {
      for (let done = 1; done <= to; done++) await progress(extra, done, to);
      await this.#confirmed(confirmed);
      return text(`counted to ${to}`);
    });

    server.registerTool('confirm', { description: 'Lets a tool that tells how far it is answer' }, () => {
      this.#confirmation.happen();
      return text('confirmed');
    });

    server.registerTool('ask_model', { description: "Asks the client's model" }, async (extra) => {
      const messages = [{ role: 'user', content: { type: 'text', text: 'Which colour?' } }];
      const answer = await extra.sendRequest({ method: 'sampling/createMessage', params: { messages, maxTokens: 16 } }, CreateMessageResultSchema);
      return text(`${answer.model} says ${answer.content.text}`);
    });

    const ended = ({ authInfo }) => until('the end of a token', async () => !(await isGood(authInfo.token)));
    server.registerTool('outlast', { description: 'Answers when the token of its call is no good any more' }, async (extra) => {
      await ended(extra);
      return text('ended');
    });

    server.registerTool('ask_person', { description: 'Asks the person, when the token of its call is no good any more' }, async (extra) => {
      await ended(extra);
      const requestedSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
      const params = { mode: 'form', message: 'Which city?', requestedSchema };
      const answer = await extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema);
      return text(`${answer.action}: ${answer.content?.city}`);
    });

    server.registerTool('wait', { description: 'Waits to be cancelled' }, async (extra) => {
      extra.signal.addEventListener('abort', () => this.#cancellation.happen());
      await progress(extra, 1, 2);
      await this.#cancellation.wait();
      return text('nobody reads this');
    });

    server.registerTool('was_cancelled', { description: 'Waits until the other tool was cancelled' }, async () => {
      await this.#cancellation.wait();
      return text('yes');
    });

    server.registerTool('log', { description: 'Says something that belongs to no request', inputSchema: { words: z.string() } }, async ({ words }) => {
      await this.#stream.wait();
      await server.server.sendLoggingMessage({ level: 'info', data: words });
      return text('said');
    });

    return server;
  }

  #offerMore(server) {
    server.registerTool('large', { description: 'Answers with more than 50 MB' }, () => text(large()));

    const lose = { how: z.enum(['closed', 'torn']), confirmed: z.boolean() };
    server.registerTool('lose', { description: 'Loses the connection in the middle of its answer', inputSchema: lose }, async ({ how, confirmed }, extra) => {
      const torn = how === 'torn' && this.#tearAfter('1 of 3');
      await progress(extra, 1, 3);
      if (torn) await torn.wait();
      else extra.closeSSEStream();
      await progress(extra, 2, 3);
      await progress(extra, 3, 3);
      await this.#confirmed(confirmed);
      return text(`${how}, and whole`);
    });
  }
}

function progress(extra, done, total) {
  const params = { progressToken: extra._meta?.progressToken, progress: done, total, message: `${done} of ${total}` };
  return extra.sendNotification({ method: 'notifications/progress', params });
}
