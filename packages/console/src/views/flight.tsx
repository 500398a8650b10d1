export function FlightView() {
  return <p>Nothing here yet.</p>;
}
