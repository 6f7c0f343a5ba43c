import type { ProfileView } from '@shared/protocol';
import { memory } from '@shared/storage';
import { expect, test } from 'vitest';

import { byFavour, Favourites, matches } from './favourites';

const noStorage = () =>
  memory(() => {
    throw new Error('refused');
  });

const profile = (id: string, more: Partial<ProfileView> = {}): ProfileView => ({
  id,
  name: id,
  description: null,
  author: null,
  problem: null,
  ...more,
});

test('a favourite is kept for the next visit, for its build alone, and can be given up', () => {
  const browser = noStorage();
  new Favourites(browser).toggle('os', 'mars');
  const next = new Favourites(browser);
  expect([next.has('os', 'mars'), next.has('other', 'mars')]).toEqual([true, false]);
  next.toggle('os', 'mars');
  expect(new Favourites(browser).has('os', 'mars')).toBe(false);
});

test('what somebody else wrote there is no favourite and no harm', () => {
  for (const text of ['{', '7', '[1, null, "os mars"]']) {
    const browser = noStorage();
    browser.set('favourite_profiles', text);
    expect(new Favourites(browser).has('os', 'mars')).toBe(text.startsWith('['));
  }
});

test('favourites come first and a search reads all that a profile says', () => {
  const all = [profile('default'), profile('mars'), profile('apollo', { description: 'The Moon landings' })];
  const [first, rest] = byFavour(all, (id) => id === 'mars');
  expect([first.map((one) => one.id), rest.map((one) => one.id)]).toEqual([['mars'], ['default', 'apollo']]);
  expect(all.filter((one) => matches(one, 'moon land')).map((one) => one.id)).toEqual(['apollo']);
  expect(all.filter((one) => matches(one, ' ')).length).toBe(3);
});
