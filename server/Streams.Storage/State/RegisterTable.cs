using Streams.Core;

namespace Streams.Storage;

/// <summary>The registers of streams: last writer wins by hybrid clock; of two settings of a stream the greater number of partitions
/// stays.</summary>
internal sealed class RegisterTable(StateRevision revision)
{
    private readonly Dictionary<StreamPath, SortedDictionary<string, (RegisterFact Fact, long Revision)>> _registers = [];

    // In the order in which they came: none ever goes, so a place in it stays what it is.
    private readonly Dictionary<StreamPath, List<string>> _keys = [];

    public RegisterFact? Get(StreamPath stream, string key) =>
        _registers.TryGetValue(stream, out SortedDictionary<string, (RegisterFact Fact, long Revision)>? of)
            && of.TryGetValue(key, out (RegisterFact Fact, long Revision) kept) ? kept.Fact
            : null;

    /// <summary>The registers of a stream whose keys begin with <paramref name="prefix"/>, in order of their keys.</summary>
    public IReadOnlyList<RegisterFact> List(StreamPath stream, string prefix) =>
        _registers.TryGetValue(stream, out SortedDictionary<string, (RegisterFact Fact, long Revision)>? of)
            ? [.. of.Values.Select(f => f.Fact).Where(f => f.Key.StartsWith(prefix, StringComparison.Ordinal))]
            : [];

    /// <summary>Some registers of a stream, beginning with the one that came at place <paramref name="from"/>.</summary>
    public RegisterPage Page(StreamPath stream, int from, int max)
    {
        if (!_keys.TryGetValue(stream, out List<string>? keys) || from >= keys.Count)
        {
            return new RegisterPage([], from);
        }

        SortedDictionary<string, (RegisterFact Fact, long Revision)> of = _registers[stream];
        RegisterFact[] facts = new RegisterFact[Math.Min(max, keys.Count - from)];
        for (int i = 0; i < facts.Length; i++)
        {
            facts[i] = of[keys[from + i]].Fact;
        }

        return new RegisterPage(facts, from + facts.Length);
    }

    /// <summary>The join of a fact with what is kept.</summary>
    public RegisterFact Joined(StreamPath stream, RegisterFact fact) =>
        Get(stream, fact.Key) is { } kept ? RegisterFact.Join(kept, fact) : fact;

    /// <summary>Joins a fact into what is kept; whether that changed anything. Its value is copied.</summary>
    public bool Join(StreamPath stream, RegisterFact fact, out RegisterFact joined)
    {
        joined = Joined(stream, fact);
        if (!Differs(stream, joined))
        {
            return false;
        }

        joined = joined with { Value = joined.Value.ToArray() };
        if (!_registers.TryGetValue(stream, out SortedDictionary<string, (RegisterFact Fact, long Revision)>? of))
        {
            _registers[stream] = of = new SortedDictionary<string, (RegisterFact Fact, long Revision)>(StringComparer.Ordinal);
            _keys[stream] = [];
        }

        if (!of.ContainsKey(fact.Key))
        {
            _keys[stream].Add(fact.Key);
        }

        of[fact.Key] = (joined, revision.Next());
        return true;
    }

    /// <summary>Whether joining this fact would change anything.</summary>
    public bool WouldChange(StreamPath stream, RegisterFact fact) => Differs(stream, Joined(stream, fact));

    private bool Differs(StreamPath stream, in RegisterFact joined) =>
        Get(stream, joined.Key) is not { } kept || kept.At != joined.At || !kept.Value.Span.SequenceEqual(joined.Value.Span);

    /// <summary>Those that changed since a revision.</summary>
    public IEnumerable<(StreamPath Stream, RegisterFact Fact)> Since(long since) =>
        _registers.SelectMany(s => s.Value.Values.Where(f => f.Revision > since).Select(f => (s.Key, f.Fact)));
}
