// Counts the visits of a conversation, and keeps what was said last in it.
import { get, increment, set } from 'slashbox:plugin/kv@0.1.0';
import { getEnvironment } from 'wasi:cli/environment@0.2.0';

const commands = {
  '/visits': { run: visits, summary: 'counts the visits of this conversation' },
  '/last': { run: last, summary: 'shows what was said last' },
};

export const handler = {
  describe: () => ({
    name: 'visits',
    version: '1.0.0',
    summary: 'Visits of a conversation, and its last words',
    commands: Object.entries(commands).map(([name, { summary }]) => ({ name, usage: '', summary })),
    events: ['message.*'],
    httpHosts: [],
    settings: [{ name: 'GREETING', summary: 'what /visits says first', secret: false, required: false }],
  }),

  onCommand(command) {
    return { text: commands[command.name].run(command), format: 'plain' };
  },

  onEvent(event) {
    if (event.conversation && event.text) {
      set(lastKey(event), new TextEncoder().encode(event.text));
    }
  },
};

function visits(command) {
  const visit = increment(`visits/${conversationKey(command)}`, 1n);
  const greeting = new Map(getEnvironment()).get('GREETING') ?? '';
  return `${greeting} Visit ${visit} of ${command.conversation}`.trim();
}

function last(command) {
  const text = get(lastKey(command)) ?? refuse('nothing was said yet');
  return new TextDecoder().decode(text);
}

function lastKey(commandOrEvent) {
  return `last/${conversationKey(commandOrEvent)}`;
}

// Two sources may have conversations of the same name.
function conversationKey({ origin, conversation }) {
  return `${origin.source}/${conversation ?? refuse('this works only in a conversation')}`;
}

// What is thrown like this is the operator's to read. Any other error ends the call, and is told in slashbox's log.
function refuse(reason) {
  throw { tag: 'refused', val: reason };
}
