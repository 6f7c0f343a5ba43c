import type { RegistryAddress } from '@shared/protocol';
import { describe, expect, it } from 'vitest';

import { fieldsOf, pasted, told, type Fields } from './registryForm';

const kept: RegistryAddress = {
  host: 'db.example.org',
  port: 5433,
  database: 'openspace',
  user: 'ann',
  tls: 'require',
};
const fields = (change: Partial<Fields> = {}): Fields => ({ ...fieldsOf(kept), ...change });

describe('where the registry is', () => {
  it('is told without a password only for the place that the node has one for', () => {
    expect(told(fields(), kept)).toEqual({ address: kept });
    expect(told(fields({ database: 'other' }), kept)).toEqual({ address: { ...kept, database: 'other' } });
    for (const elsewhere of [{ host: 'thief' }, { port: '5432' }, { user: 'bob' }]) {
      expect(told(fields(elsewhere), kept)).toMatch(/password/);
    }
    expect(told(fields(), null)).toMatch(/password/);
    expect(told(fields({ password: ' x ' }), null)).toEqual({ address: kept, password: ' x ' });
  });

  it('says what is missing', () => {
    for (const [change, says] of [
      [{ host: ' ' }, /which machine/],
      [{ port: '70000' }, /from 1 to 65535/],
      [{ port: '' }, /from 1 to 65535/],
      [{ port: '5432x' }, /from 1 to 65535/],
      [{ database: '' }, /Which database/],
      [{ user: '' }, /which user/],
    ] as const) {
      expect(told(fields({ password: 'x', ...change }), kept)).toMatch(says);
    }
  });

  it('has a file of authorities only where certificates are checked', () => {
    const file = { authorities: '/ca.pem', password: 'x' };
    expect(told(fields(file), null)).toEqual({ address: kept, password: 'x' });
    expect(told(fields({ ...file, tls: 'verify_full' }), null)).toEqual({
      address: { ...kept, tls: 'verify_full', authorities: '/ca.pem' },
      password: 'x',
    });
  });

  it('is taken apart when a whole address is pasted', () => {
    expect(
      pasted(
        ' postgres://ann%40sky:p%2Fw@db.example.org:5433/open%20space?sslmode=verify-full&sslrootcert=/ca.pem',
      ),
    ).toEqual({
      host: 'db.example.org',
      port: '5433',
      database: 'open space',
      user: 'ann@sky',
      password: 'p/w',
      tls: 'verify_full',
      authorities: '/ca.pem',
    });
    expect(pasted('postgresql://[2001:db8::7]/x')).toEqual({
      host: '2001:db8::7',
      port: '5432',
      database: 'x',
    });
    for (const other of ['db.example.org', 'http://db/x', 'postgres://%zz:x@db/x', 'postgres://']) {
      expect(pasted(other)).toBeNull();
    }
  });
});
