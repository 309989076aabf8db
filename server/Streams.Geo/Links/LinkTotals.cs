namespace Streams.Geo;

/// <summary>What a link has done in all sessions since the start: what ended sessions left, and the running one beside it.</summary>
internal readonly record struct LinkTotals(long BytesSent, long BytesReceived, long Entries, long Spared)
{
    public static LinkTotals Of(LinkSession session)
    {
        (long entries, long spared) = session.Look(static machine => machine switch
        {
            LinkSender sender => (sender.EntriesSent, sender.EntriesOnPath),
            LinkReceiver receiver => (receiver.EntriesReceived, receiver.EntriesAlreadyHere),
            _ => (0L, 0L),
        });
        return new LinkTotals(session.Connection.BytesSent, session.Connection.BytesReceived, entries, spared);
    }

    public static LinkTotals operator +(LinkTotals a, LinkTotals b) =>
        new(a.BytesSent + b.BytesSent, a.BytesReceived + b.BytesReceived, a.Entries + b.Entries, a.Spared + b.Spared);
}
