/** A port whose named methods are replaced, for what a real server cannot be made to do at will; all else is real. */
export function replacing<Port extends object>(port: Port, methods: Partial<Port>): Port {
  return new Proxy(port, {
    get(target, name) {
      const source = Object.hasOwn(methods, name) ? methods : target;
      const value: unknown = Reflect.get(source, name);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(source) : value;
    },
  });
}
