export function QueueView() {
  return <p>Nothing here yet.</p>;
}
