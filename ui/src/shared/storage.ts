// The browser's memory. Some browsers refuse it (private windows, strict policies): then this page remembers by itself.

export type Memory = {
  get: (key: string) => string | null;
  set: (key: string, value: string) => void;
  remove: (key: string) => void;
};

export function memory(open: () => Storage): Memory {
  const own = new Map<string, string>();
  const attempt = <T>(act: (storage: Storage) => T, otherwise: () => T): T => {
    try {
      return act(open());
    } catch {
      return otherwise();
    }
  };
  return {
    get: (key) =>
      attempt(
        (storage) => storage.getItem(key),
        () => own.get(key) ?? null,
      ),
    set: (key, value) =>
      attempt(
        (storage) => storage.setItem(key, value),
        () => void own.set(key, value),
      ),
    remove: (key) =>
      attempt(
        (storage) => storage.removeItem(key),
        () => void own.delete(key),
      ),
  };
}

/** Kept for good, shared by all tabs. */
export const lasting = memory(() => window.localStorage);
/** Kept until this tab is closed. */
export const ofThisTab = memory(() => window.sessionStorage);
