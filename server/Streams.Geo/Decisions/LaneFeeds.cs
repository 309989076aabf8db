using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Geo;

/// <summary>Which incoming link feeds which lane, for all incoming links of one cluster: of each lane one link is asked for entries, the
/// others that hold it only say how far they are. So an entry comes about once, however many links lead here; and since the first link
/// that tells of something new is asked, entries take the fastest way by themselves.</summary>
/// <remarks>A lane is known here from its first feed until that link ends or gives it up: about 80 bytes each. It has no clock: links say
/// what time it is. Safe for use by many threads; it calls nobody but <see cref="FeedLink.Wake"/>.</remarks>
internal sealed class LaneFeeds(int maxLanes = LinkLimits.MaxLanes)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<LaneId, Feed> _feeds = [];
    private readonly List<FeedLink> _links = [];

    /// <summary>Lanes that have a feed.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _feeds.Count;
            }
        }
    }

    /// <summary>A link that may feed lanes from now on.</summary>
    public void Enter(FeedLink link)
    {
        lock (_gate)
        {
            _links.Add(link);
        }
    }

    /// <summary>The link is over: the others look at once which of its lanes they have more of.</summary>
    public void Leave(FeedLink link)
    {
        bool freed = false;
        lock (_gate)
        {
            if (!_links.Remove(link))
            {
                return;
            }

            foreach ((LaneId lane, Feed feed) in _feeds)
            {
                if (feed.Link == link)
                {
                    _feeds.Remove(lane); // removing while going through is allowed
                    freed = true;
                }
            }
        }

        if (freed)
        {
            LookAgain(link);
        }
    }

    /// <summary>Makes the link the feed of the lane if it has none; whether it is the feed now. Beyond the limit every link is.</summary>
    public bool TryTake(LaneId lane, FeedLink link, long announced, TimeSpan now)
    {
        lock (_gate)
        {
            if (!_feeds.TryGetValue(lane, out Feed feed))
            {
                if (_feeds.Count < maxLanes)
                {
                    _feeds.Add(lane, new Feed(link, announced, now));
                }

                return true;
            }

            return feed.Link == link;
        }
    }

    /// <summary>Takes the lane away from the link that feeds it, which is told.</summary>
    public void TakeOver(LaneId lane, FeedLink link, long announced, TimeSpan now)
    {
        FeedLink? old = null;
        lock (_gate)
        {
            if (_feeds.TryGetValue(lane, out Feed feed) && feed.Link != link)
            {
                old = feed.Link;
                old.Lost.Enqueue(lane);
                old.HasNews = true;
            }

            _feeds[lane] = new Feed(link, announced, now);
        }

        old?.Wake?.Invoke();
    }

    /// <summary>The link gives the lane up: the others look whether they have more of it.</summary>
    public void Release(LaneId lane, FeedLink link)
    {
        lock (_gate)
        {
            if (!_feeds.TryGetValue(lane, out Feed feed) || feed.Link != link)
            {
                return;
            }

            _feeds.Remove(lane);
        }

        LookAgain(link);
    }

    /// <summary>The link that feeds a lane has told of more of it.</summary>
    public void Announced(LaneId lane, FeedLink link, long announced, TimeSpan now)
    {
        lock (_gate)
        {
            ref Feed feed = ref CollectionsMarshal.GetValueRefOrNullRef(_feeds, lane);
            if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref feed) && feed.Link == link)
            {
                feed = new Feed(link, Math.Max(feed.Announced, announced), now);
            }
        }
    }

    /// <summary>The feed of a lane: how far it has told of, when it last did, and when its link last brought anything.</summary>
    public bool TryLook(LaneId lane, out long announced, out TimeSpan announcedAt, out TimeSpan deliveredAt)
    {
        lock (_gate)
        {
            bool found = _feeds.TryGetValue(lane, out Feed feed);
            (announced, announcedAt, deliveredAt) = (feed.Announced, feed.At, found ? feed.Link.DeliveredAt : default);
            return found;
        }
    }

    /// <summary>Whether this link feeds the lane.</summary>
    public bool IsFedBy(LaneId lane, FeedLink link)
    {
        lock (_gate)
        {
            return _feeds.TryGetValue(lane, out Feed feed) && feed.Link == link;
        }
    }

    /// <summary>When the link last brought anything.</summary>
    public void Delivered(FeedLink link, TimeSpan now)
    {
        lock (_gate)
        {
            link.DeliveredAt = now;
        }
    }

    /// <summary>What happened to the link's lanes since it last asked: those taken away from it, and whether lanes came free.</summary>
    public bool TakeNews(FeedLink link, List<LaneId> lost)
    {
        lock (_gate)
        {
            bool freed = link.Freed;
            (link.Freed, link.HasNews) = (false, false);
            while (link.Lost.TryDequeue(out LaneId lane))
            {
                lost.Add(lane);
            }

            return freed;
        }
    }

    private void LookAgain(FeedLink but)
    {
        FeedLink[] others;
        lock (_gate)
        {
            others = [.. _links];
            foreach (FeedLink other in others)
            {
                (other.Freed, other.HasNews) = (other.Freed || other != but, other.HasNews || other != but);
            }
        }

        foreach (FeedLink other in others)
        {
            if (other != but)
            {
                other.Wake?.Invoke();
            }
        }
    }

    private readonly record struct Feed(FeedLink Link, long Announced, TimeSpan At);
}

/// <summary>One incoming link as <see cref="LaneFeeds"/> knows it.</summary>
internal sealed class FeedLink
{
    private volatile bool _hasNews;

    /// <summary>Called when there is news, from any thread: lets the link's machine be asked what is to be done.</summary>
    public Action? Wake { get; set; }

    /// <summary>Whether <see cref="LaneFeeds.TakeNews"/> has something.</summary>
    public bool HasNews
    {
        get => _hasNews;
        set => _hasNews = value;
    }

    /// <summary>Lanes taken away from it. These three are <see cref="LaneFeeds"/>' own.</summary>
    public Queue<LaneId> Lost { get; } = new();

    public bool Freed { get; set; }

    public TimeSpan DeliveredAt { get; set; }
}
