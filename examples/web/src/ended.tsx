/** Where a provider sends the user back to, in the window that it was opened in. */
export function Ended() {
  return (
    <main className="ended">
      <section className="card" aria-labelledby="ended">
        <h1 id="ended">Thank you</h1>
        <p>You can close this page. The other one shows how it went, as soon as we know.</p>
        <a className="button" href="/">
          Back to your onboarding
        </a>
      </section>
    </main>
  )
}
