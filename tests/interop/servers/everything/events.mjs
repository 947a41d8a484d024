// The events of a session in their order: the SDK's own example orders those of one millisecond by chance.
export class Events {
  #events = [];

  async storeEvent(stream, message) {
    this.#events.push({ stream, message });
    return String(this.#events.length);
  }

  async replayEventsAfter(last, { send }) {
    const { stream } = this.#events[Number(last) - 1];
    for (let place = Number(last); place < this.#events.length; place++) {
      const event = this.#events[place];
      // What primes a stream has nothing in it.
      if (event.stream === stream && event.message.jsonrpc) await send(String(place + 1), event.message);
    }
    return stream;
  }
}
