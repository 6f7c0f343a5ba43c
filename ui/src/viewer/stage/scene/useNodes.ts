import { inWords } from '@shared/http';
import type { SceneNode } from '@shared/protocol';
import { useEffect, useState } from 'react';

import type { Session } from '../../session/session';

/** Between the last letter and the question. */
const TYPING_MS = 180;

export type Nodes = { list: SceneNode[] | null; problem: string | null };

/** The nodes that fit a search, as the scene itself answers. */
export function useNodes(session: Session, search: string): Nodes {
  const [nodes, setNodes] = useState<Nodes>({ list: null, problem: null });
  useEffect(() => {
    let wanted = true;
    const ask = () =>
      listNodes(session, search).then(
        (list) => wanted && setNodes({ list, problem: null }),
        (error: unknown) => wanted && setNodes({ list: null, problem: inWords(error) }),
      );
    const timer = setTimeout(() => void ask(), search === '' ? 0 : TYPING_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [session, search]);
  return nodes;
}

/** What people call a node; its identifier until that is known. */
export function useNodeName(session: Session, id: string): string {
  const [known, setKnown] = useState<SceneNode | null>(null);
  useEffect(() => {
    let wanted = true;
    listNodes(session, id).then(
      (list) => wanted && setKnown(list.find((node) => node.id === id) ?? null),
      () => {
        // The identifier is nearly as good, and whoever only watches may not ask.
      },
    );
    return () => {
      wanted = false;
    };
  }, [session, id]);
  return known?.id === id ? known.name : id;
}

async function listNodes(session: Session, search: string): Promise<SceneNode[]> {
  const args = search.trim() === '' ? {} : { search: search.trim() };
  const answer = await session.wish({ name: 'list_nodes', args });
  return Array.isArray(answer) ? answer.filter(isNode) : [];
}

function isNode(value: unknown): value is SceneNode {
  const node = value as Partial<Record<keyof SceneNode, unknown>> | null;
  return typeof node === 'object' && typeof node?.id === 'string' && typeof node.name === 'string';
}
