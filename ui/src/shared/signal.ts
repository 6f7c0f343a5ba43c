/** Tells whoever listens, at the moment it happens; nothing is remembered. */
export class Signal<T = void> {
  private readonly listeners = new Set<(value: T) => void>();

  emit(value: T): void {
    this.listeners.forEach((listener) => listener(value));
  }

  readonly on = (listener: (value: T) => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}
