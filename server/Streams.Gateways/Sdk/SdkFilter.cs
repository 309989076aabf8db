using System.Runtime.CompilerServices;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Which events of a stream an SDK subscription wants: those whose topic matches one of its filters, all when it has
/// none.</summary>
internal sealed class SdkFilter : IEventFilter
{
    private readonly TopicFilterTree<string> _tree = new();
    private readonly List<string> _found = [];
    private readonly StreamPath _stream;
    private readonly IAccessPolicy _access;
    private readonly AccessSubject _subject;
    private readonly bool _all;
    private readonly bool _emptyTopic;

    public SdkFilter(StreamPath stream, IReadOnlyList<string> filters, IAccessPolicy access, AccessSubject subject)
    {
        _stream = stream;
        _access = access;
        _subject = subject;
        _all = filters.Count == 0 || filters.Contains("#");
        _emptyTopic = filters.Contains(string.Empty);
        foreach (string filter in filters)
        {
            if (filter.Length > 0)
            {
                _tree.Add(filter, filter);
            }
        }
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public bool Wants(Origin origin, Offset offset, ReadOnlySpan<byte> topic)
    {
        Span<char> buffer = stackalloc char[TopicName.MaxBytes];
        ReadOnlySpan<char> text = buffer[..Encoding.UTF8.GetChars(topic, buffer)];
        return (_all || (text.IsEmpty ? _emptyTopic : Matches(text))) && _access.Allows(_subject, AccessAction.Deliver, _stream, text);
    }

    private bool Matches(ReadOnlySpan<char> topic)
    {
        _found.Clear();
        _tree.Match(topic, _found);
        return _found.Count > 0;
    }
}
