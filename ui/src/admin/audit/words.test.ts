import { expect, test } from 'vitest';

import { actor, instanceOf, reading } from './words';

test('an entry is read as a sentence begins', () => {
  expect(reading('fly_to')).toBe('Fly to');
  expect(reading('takes control')).toBe('Takes control');
  expect(reading('')).toBe('');
});

test('who did it is named by role and session, never by more', () => {
  expect(actor({ who: 'session 3f9a2c41', role: 'presenter' })).toBe('Presenter, session 3f9a2c41');
  expect(actor({ who: 'administrator', role: null })).toBe('Administrator');
});

test('an instance is named by the beginning of its id', () => {
  expect(instanceOf({ instance_id: '0d9f7a52-0000-4000-8000-000000000000' })).toBe('0d9f7a52');
  expect(instanceOf({ instance_id: null })).toBe('');
});
