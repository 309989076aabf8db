namespace Streams.Geo;

/// <summary>What a link has done in all sessions since the start: what ended sessions left, and the running one beside it.</summary>
internal readonly record struct LinkTotals(long BytesSent, long BytesReceived, long Entries, long Spared, long GapEntries)
{
    public static LinkTotals Of(LinkSession session)
    {
        (long entries, long spared, long gaps) = session.Look(static machine => machine switch
        {
            LinkSender sender => (sender.EntriesSent, sender.EntriesOnPath, sender.GapEntries),
            LinkReceiver receiver => (receiver.EntriesReceived, receiver.EntriesAlreadyHere, receiver.GapEntries),
            _ => (0L, 0L, 0L),
        });
        return new LinkTotals(session.Connection.BytesSent, session.Connection.BytesReceived, entries, spared, gaps);
    }

    public static LinkTotals operator +(LinkTotals a, LinkTotals b) =>
        new(a.BytesSent + b.BytesSent, a.BytesReceived + b.BytesReceived, a.Entries + b.Entries, a.Spared + b.Spared,
            a.GapEntries + b.GapEntries);
}
