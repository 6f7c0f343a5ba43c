import type { InstanceNews } from '@shared/protocol';
import { expect, test } from 'vitest';

import { initial, type State } from './machine';
import { wordsOf } from './words';

function withInstance(news: Partial<InstanceNews>): State {
  return {
    ...initial(false),
    link: 'up',
    welcomed: true,
    viewerId: 'v',
    instance: {
      instance_id: 'i',
      state: 'starting',
      phase: null,
      detail: null,
      progress: null,
      attempt: 1,
      message: null,
      build_name: 'OpenSpace 0.22',
      demo: false,
      rescue: null,
      has_scene: true,
      ...news,
    },
  };
}

test('a start says what is being done and how far it is', () => {
  const words = wordsOf(withInstance({ phase: 'loading', progress: 0.4 }));
  expect(words).toMatchObject({
    title: 'Starting OpenSpace 0.22',
    step: 'Loading its scene (3 of 5)…',
    progress: 0.4,
  });
});

test('a restart says that the place is kept, and which try it is', () => {
  const words = wordsOf(withInstance({ state: 'restarting', attempt: 2 }));
  expect(words?.title).toBe('Restarting OpenSpace 0.22');
  expect(words?.detail).toBe('The program ended and is being restarted (try 2). Your place is kept.');
});

test('what the server says about a restart stands for itself', () => {
  const message = 'Demo sky crashed (SIGKILL). It is started again.';
  const words = wordsOf(withInstance({ state: 'restarting', attempt: 2, message }));
  expect(words?.title).toBe('Restarting OpenSpace 0.22 (try 2)');
  expect(words?.detail).toBe(`${message} Your place is kept.`);
});

test('the second start of the same restart is still a restart', () => {
  expect(wordsOf(withInstance({ state: 'starting', attempt: 3 }))?.title).toMatch(/^Restarting/);
});

test('an instance that is lost with its machine may go on elsewhere', () => {
  const message = 'The machine Dome does not answer any more.';
  const words = wordsOf(withInstance({ state: 'lost', message, rescue: 'resume' }));
  expect(words).toMatchObject({ detail: message, rescue: 'Continue on another machine' });
  expect(wordsOf(withInstance({ state: 'lost', message }))).toMatchObject({ rescue: null, home: true });
  expect(wordsOf(withInstance({ state: 'starting' }))?.home).toBe(false);
});

test('an end offers to go on only where there is something to go on with', () => {
  const ended = (has_scene: boolean) =>
    wordsOf({ ...withInstance({ state: 'stopped', has_scene }), status: 'ended', bye: 'stopped' })?.detail;
  expect(ended(true)).toMatch(/go on where it was left/);
  expect(ended(false)).not.toMatch(/go on/);
});

test('a refusal gives its reason and a way on', () => {
  const state: State = {
    ...initial(false),
    status: 'refused',
    refusal: { reason: 'full', message: 'Eight viewers watch already.', retryAfterS: 10 },
  };
  expect(wordsOf(state)).toMatchObject({
    title: 'The stream is full',
    detail: 'Eight viewers watch already. It is tried again in 10 s.',
    again: 'Try again',
  });
});

test('a live picture needs no words', () => {
  const state: State = { ...withInstance({ state: 'ready' }), media: 'connected', picture: true };
  expect(wordsOf(state)).toBeNull();
});

test('another tab that took over is named, with a way back', () => {
  expect(wordsOf({ ...initial(false), status: 'ended', bye: 'replaced' })).toMatchObject({
    again: 'Watch it here',
  });
});
