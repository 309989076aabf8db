using System.Runtime.CompilerServices;
using System.Text;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Which events of one partition a session's filters want. Allocates nothing for events that none wants. Without a subject
/// nobody's access is asked about: the reading is for several.</summary>
internal sealed class SubscriptionFilter(StreamPartition partition, string prefix, SessionSubscriptions subscriptions,
    IAccessPolicy access, AccessSubject? subject) : IEventFilter
{
    private readonly bool _isRoot = prefix.Length == 0;

    /// <summary>The filters that want the event asked about last.</summary>
    public List<Subscription> Found { get; } = [];

    /// <inheritdoc/>
    [SkipLocalsInit]
    public bool Wants(Origin origin, Offset offset, ReadOnlySpan<byte> topic)
    {
        // UTF-16 takes no more units than UTF-8 takes bytes; both names are bounded, 8.7 KiB at most.
        Span<char> text = stackalloc char[StreamPath.MaxBytes + 1 + TopicName.MaxBytes];
        prefix.CopyTo(text);
        int at = prefix.Length;
        if (_isRoot || topic.Length > 0)
        {
            text[at++] = '/';
        }

        int begin = at;
        at += Encoding.UTF8.GetChars(topic, text[at..]);
        Found.Clear();
        subscriptions.Match(text[..at], Found);
        for (int i = Found.Count - 1; i >= 0; i--)
        {
            if (Found[i].IsBefore(partition, origin, offset))
            {
                Found.RemoveAt(i);
            }
        }

        return Found.Count > 0 && (subject is null || access.Allows(subject, AccessAction.Deliver, partition.Stream, text[begin..at]));
    }
}
