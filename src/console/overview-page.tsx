/** What an operator sees first. */
import type { AuditPage } from '../client/rpc';
import { AuditTable } from './audit-page';
import { Frame, type Viewer } from './frame';

export const OverviewPage = ({ viewer, audit }: { viewer: Viewer; audit: AuditPage }) => (
  <Frame viewer={viewer} title="Overview" section="">
    <h1>Overview</h1>
    <h2>Newest acts</h2>
    {audit.events.length === 0 ? (
      <p class="empty">Nobody has done anything to other people yet.</p>
    ) : (
      <AuditTable events={audit.events} now={viewer.now} />
    )}
  </Frame>
);
