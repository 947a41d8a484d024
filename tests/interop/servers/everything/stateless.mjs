// The tools of a server that knows no sessions: whoever is to be asked is asked by the answer, and the call is made again.
import { McpServer, acceptedContent, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { moment, until } from './moment.mjs';

const text = (words) => ({ content: [{ type: 'text', text: String(words) }] });

// Gives what makes the server of one request.
export function statelessServer(isGood) {
  const cancellation = moment('a cancellation');
  const confirmation = moment('the client to have seen it all');
  return () => {
    const server = new McpServer({ name: 'interop-now', version: '1.0.0' });
    const progress = ({ mcpReq }, done, total) =>
      mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: mcpReq._meta?.progressToken, progress: done, total, message: `${done} of ${total}` },
      });

    const numbers = z.object({ a: z.number(), b: z.number() });
    server.registerTool('add', { description: 'Adds two numbers', inputSchema: numbers }, ({ a, b }) => text(a + b));

    const count = z.object({ to: z.number(), confirmed: z.boolean() });
    server.registerTool('count', { description: 'Counts, and tells how far it is', inputSchema: count }, async ({ to, confirmed }, context) => {
      for (let done = 1; done <= to; done++) await progress(context, done, to);
      if (confirmed) await confirmation.wait();
      return text(`counted to ${to}`);
    });

    server.registerTool('confirm', { description: 'Lets a tool that tells how far it is answer' }, () => {
      confirmation.happen();
      return text('confirmed');
    });

    server.registerTool('ask_model', { description: "Asks the client's model" }, ({ mcpReq }) => {
      const { kind, result } = inputResponse(mcpReq.inputResponses, 'colour');
      if (kind !== 'missing') return text(`${result.model} says ${result.content.text}`);
      const messages = [{ role: 'user', content: { type: 'text', text: 'Which colour?' } }];
      return inputRequired({ inputRequests: { colour: inputRequired.createMessage({ messages, maxTokens: 16 }) } });
    });

    const place = z.object({ city: z.string() });
    const ended = (http) => until('the end of a token', async () => !(await isGood(http.authInfo.token)));
    server.registerTool('outlast', { description: 'Answers when the token of its call is no good any more' }, async ({ http }) => {
      await ended(http);
      return text('ended');
    });

    server.registerTool('ask_person', { description: 'Asks the person, when the token of its call is no good any more' }, async ({ mcpReq, http }) => {
      const answer = acceptedContent(mcpReq.inputResponses, 'city', place);
      if (answer) return text(`accept: ${answer.city}`);
      await ended(http);
      return inputRequired({ inputRequests: { city: inputRequired.elicit({ message: 'Which city?', requestedSchema: place }) } });
    });

    server.registerTool('wait', { description: 'Waits to be cancelled' }, async (context) => {
      context.mcpReq.signal.addEventListener('abort', () => cancellation.happen());
      await progress(context, 1, 2);
      await cancellation.wait();
      return text('nobody reads this');
    });

    server.registerTool('was_cancelled', { description: 'Waits until the other tool was cancelled' }, async () => {
      await cancellation.wait();
      return text('yes');
    });

    return server;
  };
}
